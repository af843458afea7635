"""Our verdict is Great Expectations' own: the same data through both, rule by rule."""

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from datastream.quality import SuiteErrored, warm
from tests.quality.cases import FRAME, ROW_WISE, TABLE_LEVEL, WANTS_SQL


def comparison(column: str, operator: str, parameter: Any) -> dict[str, Any]:
    return {"type": "comparison", "column": {"name": column}, "operator": operator, "parameter": parameter}


def full(*more: Any) -> Any:
    return pytest.param(*more, marks=pytest.mark.full)


VARIANTS = [
    {},
    {"row_condition": comparison("whole", ">", 2), "mostly": 0.5},
    full({"mostly": 0.3}),
    full({"mostly": 0.99}),
    full({"row_condition": "whole > 2 and twice < 6", "condition_parser": "pandas"}),
]
CONDITIONS = [
    "whole > 100",
    's == "EWR"',
    "`whole` >= 3",
    'at > "2013-01-04"',
    {"type": "pass_through", "pass_through_filter": "yes"},
    comparison("s", "!=", "EWR"),
    comparison("naive", ">", "2013-01-04T00:00:00"),
    {"type": "nullity", "column": {"name": "m"}, "is_null": False},
    {"type": "and", "conditions": [comparison("whole", ">", 2), comparison("s", "IN", ["EWR", "LGA"])]},
    {"type": "or", "conditions": [comparison("whole", "<", 2), comparison("s", "NOT_IN", ["EWR"])]},
]
KINDS = [
    ("expect_column_values_to_be_unique", {}),
    ("expect_column_values_to_be_between", {"min_value": 2}),
    full("expect_column_values_to_not_be_null", {}),
    full("expect_column_values_to_be_in_set", {"value_set": ["EWR", "a", 1, 3, True]}),
    full("expect_column_values_to_be_of_type", {"type_": "str"}),
    full("expect_column_max_to_be_between", {"max_value": 3}),
]


def agree(judge, oracle, data: pa.Table | pd.DataFrame, kind: str, kwargs: dict[str, Any]) -> None:
    """Theirs is asked of what pandas makes of Arrow data. Where it raises, ours may not answer for all rows."""
    theirs = oracle(data.to_pandas() if isinstance(data, pa.Table) else data, kind, kwargs)
    try:
        [outcome] = judge(data, (kind, kwargs)).expectations
    except SuiteErrored:
        assert theirs is None
        return
    if theirs is None:
        assert outcome.raised
        return
    success, rows = theirs
    assert (outcome.success, outcome.row_wise, outcome.raised) == (success, rows is not None, {})
    assert outcome.unexpected_index_list == (rows or [])
    assert outcome.set_aside == ([] if success else rows or [])


def test_each_expectation_of_great_expectations_is_among_the_cases() -> None:
    warm()
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        list_registered_expectation_implementations,
    )

    theirs = {
        name
        for name in list_registered_expectation_implementations()
        if get_expectation_impl(name).__module__.startswith("great_expectations.expectations.core.")
    }
    assert {kind for kind, _ in [*ROW_WISE, *TABLE_LEVEL, *WANTS_SQL]} == theirs


@pytest.mark.parametrize("more", VARIANTS, ids=range(len(VARIANTS)))
@pytest.mark.parametrize(("kind", "kwargs"), ROW_WISE)
def test_a_rule_about_rows_names_the_rows_that_great_expectations_names(judge, oracle, kind, kwargs, more) -> None:
    agree(judge, oracle, FRAME, kind, {**kwargs, **more})


@pytest.mark.parametrize(("kind", "kwargs"), ROW_WISE)
def test_a_rule_about_rows_fails_and_names_some(judge, kind, kwargs) -> None:
    """Else the comparison above would compare nothing."""
    [outcome] = judge(FRAME, (kind, kwargs)).expectations
    assert (outcome.success, outcome.row_wise, bool(outcome.set_aside)) == (False, True, True)


@pytest.mark.parametrize("condition", CONDITIONS, ids=range(len(CONDITIONS)))
@pytest.mark.parametrize(("kind", "kwargs"), [ROW_WISE[3], TABLE_LEVEL[7], full(*ROW_WISE[0]), full(*ROW_WISE[2])])
def test_a_condition_picks_the_rows_that_great_expectations_picks(judge, oracle, kind, kwargs, condition) -> None:
    agree(judge, oracle, FRAME, kind, {**kwargs, "row_condition": condition})


@pytest.mark.parametrize("column", FRAME.columns)
@pytest.mark.parametrize(("kind", "kwargs"), KINDS)
def test_values_of_every_kind_are_judged_as_great_expectations_judges_them(judge, oracle, kind, kwargs, column) -> None:
    agree(judge, oracle, FRAME, kind, {"column": column, **kwargs})


@pytest.mark.parametrize("column", [name for name in FRAME.columns if name != "mixed"])
@pytest.mark.parametrize(("kind", "kwargs"), KINDS)
def test_an_arrow_column_is_judged_as_the_frame_that_it_makes(judge, oracle, kind, kwargs, column) -> None:
    agree(judge, oracle, pa.table({column: pa.array(FRAME[column])}), kind, {"column": column, **kwargs})


@pytest.mark.parametrize(("kind", "kwargs"), [*ROW_WISE, *TABLE_LEVEL])
def test_no_rows_at_all_are_judged_as_great_expectations_judges_them(judge, oracle, kind, kwargs) -> None:
    agree(judge, oracle, FRAME.iloc[:0], kind, kwargs)


@pytest.mark.parametrize(("kind", "kwargs"), TABLE_LEVEL)
def test_a_rule_about_the_whole_fails_the_whole_and_blames_no_row(judge, oracle, kind, kwargs) -> None:
    agree(judge, oracle, FRAME, kind, kwargs)
    verdict = judge(FRAME, (kind, kwargs))
    assert (verdict.success, verdict.bad_rows, len(verdict.table_failures())) == (False, [], 1)


@pytest.mark.parametrize(("kind", "kwargs"), WANTS_SQL)
def test_a_rule_that_wants_sql_never_passes(judge, kind, kwargs) -> None:
    with pytest.raises(SuiteErrored, match="could not be checked"):
        judge(FRAME, (kind, kwargs))


def test_many_rules_at_once_say_what_each_says_alone(judge) -> None:
    """Great Expectations sorts rules by column and answers in that order; ours stay in the suite's."""
    cases = [*ROW_WISE, *TABLE_LEVEL]
    together = judge(FRAME, *cases).expectations
    alone = [judge(FRAME, case).expectations[0] for case in cases]
    assert [(o.rule.type, o.success, o.unexpected_index_list) for o in together] == [
        (o.rule.type, o.success, o.unexpected_index_list) for o in alone
    ]
