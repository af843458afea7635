"""A row that makes an expectation raise is set aside by it, and its mates are judged without it."""

import pandas as pd
import pyarrow as pa
import pytest

from datastream.blame import MOST
from datastream.quality import SuiteErrored, warm

NOT_NULL = "expect_column_values_to_not_be_null"
BETWEEN = "expect_column_values_to_be_between"
MEAN = "expect_column_mean_to_be_between"
NINE = (BETWEEN, {"column": "a", "max_value": 9})


def test_a_row_that_makes_a_rule_raise_is_bad_and_the_others_are_judged(judge) -> None:
    verdict = judge(pd.DataFrame({"a": [1, "x", 3, 100, None, 7]}), NINE)
    [outcome] = verdict.expectations
    assert (verdict.success, verdict.bad_rows) == (False, [1, 3])
    assert (outcome.raised, outcome.unexpected_index_list) == ({1: "TypeError"}, [3])


def test_its_reason_names_the_rule_and_the_type_of_the_error(judge) -> None:
    verdict = judge(pd.DataFrame({"a": [1, "x", 3, 100]}), NINE, (NOT_NULL, {"column": "a"}))
    assert verdict.reasons_by_row() == {1: ["a <= 9: TypeError"], 3: ["a <= 9"]}


def test_the_rows_are_those_of_the_whole_however_many_come_before(judge) -> None:
    values: list[object] = list(range(5000))
    values[7], values[4000] = "x", "y"
    [outcome] = judge(pd.DataFrame({"a": values}), (BETWEEN, {"column": "a", "max_value": 4996})).expectations
    assert (list(outcome.raised), outcome.unexpected_index_list) == ([7, 4000], [4997, 4998, 4999])


def test_a_rule_that_tolerates_some_rows_does_not_pass_one_that_it_could_not_look_at(judge) -> None:
    frame = pd.DataFrame({"a": [1, "x", 3, 100]})
    verdict = judge(frame, (BETWEEN, {"column": "a", "max_value": 9, "mostly": 0.5}))
    [outcome] = verdict.expectations
    assert (verdict.success, verdict.bad_rows, outcome.warned) == (False, [1], [3])
    assert verdict.table_failures() == ()


def test_a_condition_that_a_row_makes_raise_is_no_different(judge) -> None:
    frame = pd.DataFrame({"a": [None, "x", None, 3], "b": [5, "odd", 0, 5]})
    verdict = judge(frame, (NOT_NULL, {"column": "a", "row_condition": "b > 2"}))
    assert verdict.rules_by_row() == {0: (0,), 1: (0,)}
    assert verdict.expectations[0].raised == {1: "TypeError"}


@pytest.mark.parametrize(("most", "success"), [(4, True), (3, False)])
def test_a_rule_about_the_whole_is_answered_for_the_rows_that_have_an_answer(judge, most: int, success: bool) -> None:  # noqa: FBT001
    [outcome] = judge(pd.DataFrame({"a": [1, "x", 3, 8]}), (MEAN, {"column": "a", "max_value": most})).expectations
    assert (outcome.raised, outcome.answer, outcome.table_failed) == ({1: "TypeError"}, success, not success)


def test_a_row_that_raises_only_alone_is_not_to_blame(judge) -> None:
    """One row is too few for this rule, so the odd one's neighbour is found with it."""
    warm()
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation import ColumnMapExpectation
    from great_expectations.expectations.metrics import ColumnMapMetricProvider, column_condition_partial

    class HasMates(ColumnMapMetricProvider):
        condition_metric_name = "column_values.mates"

        @column_condition_partial(engine=PandasExecutionEngine)
        def _pandas(cls, column, **kwargs):  # noqa: ARG002, N805 - as Great Expectations wants it
            if len(column) < 2 or "odd" in column.to_list():
                raise ValueError
            return column > 0

    class ExpectColumnValuesToHaveMates(ColumnMapExpectation):
        map_metric = "column_values.mates"
        success_keys = ("mostly",)

    verdict = judge(
        pd.DataFrame({"a": [1, 2, 3, "odd", 5, 6]}), ("expect_column_values_to_have_mates", {"column": "a"})
    )
    assert verdict.expectations[0].raised == {3: "ValueError"}


@pytest.mark.parametrize(
    "values",
    [
        [*range(50), *["x"] * (MOST + 1)],
        ["x", "y", 3],
        ["x"],
        ["x", None, None, None],
    ],
    ids=["more than a few", "more than half", "the only one", "all that are not null"],
)
def test_rows_that_are_not_the_odd_ones_stop_the_claim(judge, values: list[object]) -> None:
    with pytest.raises(SuiteErrored, match="could not be checked: TypeError"):
        judge(pd.DataFrame({"a": values}), NINE)


def test_as_many_as_a_few_are_set_aside(judge) -> None:
    assert judge(pd.DataFrame({"a": [*range(50), *["x"] * MOST]}), NINE).bad_rows[-MOST:] == list(range(50, 50 + MOST))


def test_values_that_cannot_stand_each_other_stop_the_claim(judge) -> None:
    """Each row alone is well, so there is none to blame."""
    with pytest.raises(SuiteErrored, match="TypeError"):
        judge(pd.DataFrame({"a": [1, "x", 3]}), ("expect_column_values_to_be_increasing", {"column": "a"}))


@pytest.mark.parametrize(
    "kwargs",
    [{"column": "gone"}, {"column": "s", "regex": "("}, {"column": "s", "regex": "x", "row_condition": "a ==="}],
)
def test_what_is_wrong_for_every_row_stops_the_claim(judge, kwargs) -> None:
    with pytest.raises(SuiteErrored):
        judge(pa.table({"s": ["x", "y", "z"]}), ("expect_column_values_to_match_regex", {"regex": "x", **kwargs}))


def test_rules_beside_one_that_raised_are_answered_as_ever(judge) -> None:
    frame = pd.DataFrame({"a": [1, "x", 3, None], "b": [1, 2, 3, 100]})
    rules = [(NOT_NULL, {"column": "a"}), NINE, (BETWEEN, {"column": "b", "max_value": 9})]
    assert judge(frame, *rules).rules_by_row() == {1: (1,), 3: (0, 2)}


def test_json_says_which_rows_raised_what(judge) -> None:
    told = judge(pd.DataFrame({"a": [1, "x", 3]}), NINE, (NOT_NULL, {"column": "a"})).to_dict()
    assert (told["bad_rows"], told["expectations"][0]["success"]) == ([1], False)
    assert told["expectations"][0]["raised"] == [{"row": 1, "error": "TypeError"}]
    assert "raised" not in told["expectations"][1]
