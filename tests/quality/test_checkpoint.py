"""Data and a suite in, the exact rows out, whatever the data's index, types and nulls."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pyarrow as pa
import pytest

from datastream.quality import DataRefused, SuiteBroken, SuiteErrored, validate, warm

NOT_NULL = "expect_column_values_to_not_be_null"
BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
UNIQUE = "expect_column_values_to_be_unique"


def test_importing_the_room_imports_neither_great_expectations_nor_pandas() -> None:
    code = "import sys, datastream.quality; print({'great_expectations', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_what_reads_no_row_imports_neither_of_them() -> None:
    """One Arrow value that is made of Python's, while a module is imported, imports pandas."""
    modules = "datastream.pipeline, datastream.backtest, datastream.gateway.app, deployments.cli, deployments.standing"
    code = f"import sys, {modules}, deployments.watch; print({{'great_expectations', 'pandas'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_warming_twice_is_as_good_as_once() -> None:
    warm()
    warm()
    assert "great_expectations" in sys.modules


@pytest.mark.parametrize("index", [[7, 7, 7, 7], list("abca"), pd.Index([4, 3, 2, 1], name="id")])
def test_rows_are_positions_whatever_the_index(judge, index) -> None:
    frame = pd.DataFrame({"a": [1, None, 3, None]}, index=index)
    assert judge(frame, (NOT_NULL, {"column": "a"})).bad_rows == [1, 3]


def test_an_index_of_two_levels_is_positions_too(judge) -> None:
    frame = pd.DataFrame({"a": [None, 2]}, index=pd.MultiIndex.from_tuples([(1, "x"), (1, "x")], names=["k", "l"]))
    assert judge(frame, (NOT_NULL, {"column": "a"})).bad_rows == [0]


def test_the_callers_frame_is_left_as_it_is(judge) -> None:
    frame = pd.DataFrame({"a": [1, None]}, index=[5, 5])
    before = frame.copy()
    judge(frame, (NOT_NULL, {"column": "a"}))
    pd.testing.assert_frame_equal(frame, before)


def test_more_than_twenty_rows_are_all_named(judge) -> None:
    verdict = judge(pa.table({"a": pa.nulls(500, pa.int64())}), (NOT_NULL, {"column": "a"}))
    assert verdict.expectations[0].unexpected_index_list == list(range(500))


def test_the_positions_under_a_row_condition_are_those_of_the_whole_data(judge) -> None:
    table = pa.table({"a": [None, 1, None, None], "b": [1, 2, 2, 3]})
    rule = (NOT_NULL, {"column": "a", "row_condition": "b == 2", "condition_parser": "pandas"})
    assert judge(table, rule).bad_rows == [2]


def test_one_type_under_two_conditions_gives_two_answers(judge) -> None:
    table = pa.table({"a": [None, None], "b": ["x", "y"]})
    rules = [(NOT_NULL, {"column": "a", "row_condition": f'b == "{value}"'}) for value in "xy"]
    assert [outcome.set_aside for outcome in judge(table, *rules).expectations] == [[0], [1]]


def test_the_same_rule_twice_gives_the_same_answer_twice(judge) -> None:
    rule = (NOT_NULL, {"column": "a"})
    outcomes = judge(pa.table({"a": [1, None]}), rule, rule).expectations
    assert [(outcome.rule.number, outcome.set_aside) for outcome in outcomes] == [(0, [1]), (1, [1])]


def test_a_result_format_in_the_suite_does_not_shorten_the_answer(judge) -> None:
    short = {"result_format": "SUMMARY", "partial_unexpected_count": 1, "unexpected_index_column_names": ["a"]}
    rule = (NOT_NULL, {"column": "a", "result_format": short, "catch_exceptions": True})
    assert judge(pa.table({"a": pa.nulls(30)}), rule).bad_rows == list(range(30))


def test_a_rule_met_through_mostly_sets_nothing_aside_and_still_names_the_row(judge) -> None:
    table = pa.table({"a": [*range(9), None]})
    [outcome] = judge(table, (NOT_NULL, {"column": "a", "mostly": 0.9})).expectations
    assert (outcome.success, outcome.set_aside, outcome.warned) == (True, [], [9])


def test_a_failed_rule_about_the_table_blames_no_row(judge) -> None:
    verdict = judge(pa.table({"a": [1, 2]}), ("expect_table_row_count_to_equal", {"value": 3}))
    [outcome] = verdict.table_failures()
    assert (verdict.success, verdict.bad_rows, outcome.row_wise, outcome.observed) == (False, [], False, 2)


def test_no_rows_meet_every_rule_about_rows(judge) -> None:
    table = pa.table({"a": pa.array([], pa.int64()), "s": pa.array([], pa.string())})
    verdict = judge(
        table, (NOT_NULL, {"column": "a"}), (UNIQUE, {"column": "s"}), (BETWEEN, {"column": "a", "min_value": 1})
    )
    assert (verdict.success, verdict.rows, verdict.bad_rows) == (True, 0, [])


def test_threads_may_judge_side_by_side(suite_of) -> None:
    suite = suite_of((NOT_NULL, {"column": "a"}), (BETWEEN, {"column": "a", "max_value": 5}))
    tables = [pa.table({"a": [None if row == gap else row for row in range(10)]}) for gap in range(8)]
    with ThreadPoolExecutor(4) as pool:
        verdicts = list(pool.map(lambda table: validate(table, suite), tables))
    assert [verdict.expectations[0].set_aside for verdict in verdicts] == [[gap] for gap in range(8)]


def test_a_missing_column_stops_the_claim_and_names_rule_and_columns(judge) -> None:
    table = pa.table({"a": [1], "b": [2]})
    with pytest.raises(SuiteErrored, match=r"expectation 1 .*zz not null.*does not exist.*columns: a, b") as caught:
        judge(table, (NOT_NULL, {"column": "a"}), (NOT_NULL, {"column": "zz"}))
    assert "\n" not in str(caught.value)


def test_values_that_cannot_be_compared_stop_the_claim(judge) -> None:
    with pytest.raises(SuiteErrored, match="could not be checked"):
        judge(pa.table({"a": ["x", "y"]}), (BETWEEN, {"column": "a", "min_value": 1}))


def test_a_rule_that_errors_beside_the_same_rule_never_passes(judge) -> None:
    rule = (BETWEEN, {"column": "a", "min_value": 1})
    with pytest.raises(SuiteErrored):
        judge(pa.table({"a": ["x"]}), rule, rule, (NOT_NULL, {"column": "a"}))


def test_a_bad_row_condition_stops_the_claim(judge) -> None:
    with pytest.raises(SuiteErrored):
        judge(pa.table({"a": [1]}), (NOT_NULL, {"column": "a", "row_condition": "a ==="}))


def test_an_unknown_type_is_refused_by_name(judge) -> None:
    with pytest.raises(SuiteBroken, match=r"expect_wonders.*knows no such type"):
        judge(pa.table({"a": [1]}), ("expect_wonders", {"column": "a"}))


def test_unknown_kwargs_are_refused_with_the_rule_that_has_them(judge) -> None:
    with pytest.raises(SuiteBroken, match=r"expectation 0 .*colour"):
        judge(pa.table({"a": [1]}), (NOT_NULL, {"column": "a", "colour": "red"}))


@pytest.mark.parametrize(("data", "said"), [([{"a": 1}], "is a list"), (pd.Series([1]).to_numpy(), "is a numpy.nd")])
def test_data_that_is_no_table_is_refused(judge, data, said: str) -> None:
    """With its library: there are more frames than one that are called DataFrame."""
    with pytest.raises(DataRefused, match=said):
        judge(data, (NOT_NULL, {"column": "a"}))


def test_a_column_that_occurs_twice_is_refused(judge) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(DataRefused, match="'a' occurs 2 times"):
        judge(table, (NOT_NULL, {"column": "a"}))


def test_a_class_of_the_users_own_is_judged_like_any_other(judge) -> None:
    warm()
    from great_expectations.expectations import ExpectColumnValuesToBeBetween

    class ExpectColumnValuesToBeAClockTime(ExpectColumnValuesToBeBetween):
        min_value: float = 0
        max_value: float = 2359

    verdict = judge(pa.table({"at": [5, 2400, None]}), ("expect_column_values_to_be_a_clock_time", {"column": "at"}))
    assert verdict.bad_rows == [1]
