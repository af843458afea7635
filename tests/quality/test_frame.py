"""Arrow's types become the pandas types in which a rule reads the value that was sent."""

import datetime as dt

import pyarrow as pa
import pytest

from datastream.quality import warm

NOT_NULL = "expect_column_values_to_not_be_null"
BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
UNIQUE = "expect_column_values_to_be_unique"
REGEX = "expect_column_values_to_match_regex"
EQUAL = "expect_column_pair_values_to_be_equal"
BIG = 2**53


def test_numbers_compare_and_nulls_are_nulls_in_a_whole_column_with_both(judge) -> None:
    table = pa.table({"a": [1, None, 50]})
    verdict = judge(table, (BETWEEN, {"column": "a", "max_value": 9}), (NOT_NULL, {"column": "a"}))
    assert [outcome.set_aside for outcome in verdict.expectations] == [[2], [1]]


@pytest.mark.parametrize("neighbour", [7, None])
def test_a_whole_number_reads_the_same_whether_a_null_stands_beside_it_or_not(judge, neighbour) -> None:
    """Among floats 5 would be written 5.0, and the row's verdict would hang on its neighbours."""
    assert judge(pa.table({"a": [5, neighbour]}), (REGEX, {"column": "a", "regex": r"^\d$"})).success


def test_big_numbers_beside_a_null_stay_different(judge) -> None:
    table = pa.table({"a": [BIG, BIG + 1, None]})
    verdict = judge(table, (UNIQUE, {"column": "a"}), (IN_SET, {"column": "a", "value_set": [BIG]}))
    assert [outcome.set_aside for outcome in verdict.expectations] == [[], [1]]


def test_big_numbers_beside_a_null_are_compared_as_they_are(judge) -> None:
    table = pa.table({"a": [BIG, BIG + 1, None]})
    assert judge(table, (BETWEEN, {"column": "a", "max_value": BIG})).bad_rows == [1]


def test_big_numbers_in_two_columns_with_nulls_are_not_rounded_into_equality(judge) -> None:
    table = pa.table({"a": [BIG, BIG + 1, None, 3], "b": [BIG + 1, BIG + 1, 5, None]})
    assert judge(table, (EQUAL, {"column_A": "a", "column_B": "b"})).bad_rows == [0, 2, 3]


def test_a_null_beside_a_number_is_not_equal_to_it(judge) -> None:
    table = pa.table({"a": [1, None, None], "b": [1, 2, None]})
    assert judge(table, (EQUAL, {"column_A": "a", "column_B": "b"})).bad_rows == [1]


def test_times_with_a_zone_compare_with_text_in_any_zone(judge) -> None:
    at = pa.array([dt.datetime(2013, 1, day, tzinfo=dt.UTC) for day in (1, 2, 3)], pa.timestamp("us", "UTC"))
    rule = (BETWEEN, {"column": "at", "min_value": "2013-01-02T01:00:00+01:00"})
    assert judge(pa.table({"at": at}), rule).bad_rows == [0]


def test_times_without_a_zone_compare_with_text(judge) -> None:
    at = pa.array([dt.datetime(2013, 1, 1), None, dt.datetime(2013, 1, 3)], pa.timestamp("us"))  # noqa: DTZ001 - that is what is tested
    assert judge(pa.table({"at": at}), (BETWEEN, {"column": "at", "max_value": "2013-01-02T00:00:00"})).bad_rows == [2]


def test_times_too_far_away_for_nanoseconds_compare_too(judge) -> None:
    at = pa.array([dt.datetime(1, 1, 1), dt.datetime(2013, 1, 3)], pa.timestamp("us"))  # noqa: DTZ001 - that is what is tested
    assert judge(pa.table({"at": at}), (BETWEEN, {"column": "at", "min_value": "2013-01-02T00:00:00"})).bad_rows == [0]


def test_dates_compare_with_text(judge) -> None:
    table = pa.table({"on": [dt.date(2013, 1, 1), None, dt.date(2013, 1, 3)]})
    assert judge(table, (BETWEEN, {"column": "on", "max_value": "2013-01-02"})).bad_rows == [2]


def test_a_dictionary_column_reads_as_its_values(judge) -> None:
    table = pa.table({"s": pa.array(["x", None, "yy", "x"]).dictionary_encode()})
    verdict = judge(table, (REGEX, {"column": "s", "regex": "^.$"}), (NOT_NULL, {"column": "s"}))
    assert [outcome.set_aside for outcome in verdict.expectations] == [[2], [1]]


def test_lists_and_structs_may_stand_beside_what_is_judged_and_be_judged_for_null(judge) -> None:
    table = pa.table({"a": [1, None], "l": [[1], None], "s": [None, {"x": 1}]})
    verdict = judge(table, (NOT_NULL, {"column": "l"}), (NOT_NULL, {"column": "s"}), (NOT_NULL, {"column": "a"}))
    assert [outcome.set_aside for outcome in verdict.expectations] == [[1], [0], [1]]


def test_a_rule_about_all_columns_sees_all_of_them(judge) -> None:
    rule = ("expect_table_columns_to_match_ordered_list", {"column_list": ["a", "b"]})
    assert judge(pa.table({"a": [1], "b": [2]}), rule, (NOT_NULL, {"column": "a"})).success


@pytest.mark.parametrize(
    "rule",
    [
        ("expect_table_columns_to_match_ordered_list", {"column_list": ["a"]}),
        ("expect_table_columns_to_match_set", {"column_set": ["a"]}),
        ("expect_table_column_count_to_equal", {"value": 1}),
    ],
)
def test_a_rule_about_all_columns_sees_those_that_it_does_not_name(judge, rule) -> None:
    assert not judge(pa.table({"a": [1], "b": [2]}), rule, (NOT_NULL, {"column": "a"})).success


@pytest.mark.parametrize("kind", [pa.uint8(), pa.int8(), pa.uint64(), pa.int64()])
@pytest.mark.parametrize("beside", [(), ((REGEX, {"column": "a", "regex": r"^\d+$"}),)], ids=["alone", "as text too"])
def test_steps_between_small_numbers_do_not_overflow_beside_a_null(judge, kind: pa.DataType, beside) -> None:
    table = pa.table({"a": pa.array([100, None, 3, 120, 0], kind)})
    verdict = judge(table, ("expect_column_values_to_be_increasing", {"column": "a"}), *beside)
    assert verdict.bad_rows == [2, 4]


def test_a_condition_may_be_one_of_great_expectations_objects(judge) -> None:
    warm()
    from great_expectations.expectations.row_conditions import Column

    rule = (NOT_NULL, {"column": "a", "row_condition": (Column("b") > 1) & Column("c").is_in(["x"])})
    assert judge(pa.table({"a": [None] * 3, "b": [1, 2, 2], "c": ["x", "x", "y"]}), rule).bad_rows == [1]


def test_a_count_of_rows_needs_no_column(judge) -> None:
    assert judge(pa.table({"a": [1, 2, 3]}), ("expect_table_row_count_to_equal", {"value": 3})).success


def test_the_chunks_of_a_table_are_one_numbering(judge) -> None:
    table = pa.concat_tables([pa.table({"a": [1, None]}), pa.table({"a": [None, 4]})])
    assert judge(table, (NOT_NULL, {"column": "a"})).bad_rows == [1, 2]
