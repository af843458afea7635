"""Whatever stands in the data or in the suite: a verdict that is JSON, or a sentence."""

import datetime as dt
import decimal
import json
import time
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from datastream.quality import DataRefused, SuiteBroken, SuiteErrored
from tests.quality.cases import FRAME, ROW_WISE, TABLE_LEVEL

NOT_NULL = "expect_column_values_to_not_be_null"
IN_SET = "expect_column_values_to_be_in_set"
BETWEEN = "expect_column_values_to_be_between"
NAN, INFINITE = float("nan"), float("inf")


def dumped(verdict: Any) -> Any:
    """Return the verdict and what was observed as strict JSON and back."""
    told = [verdict.to_dict(), [outcome.observed for outcome in verdict.expectations]]
    return json.loads(json.dumps(told, allow_nan=False))


@pytest.mark.parametrize(
    "values",
    [
        [NAN, INFINITE, -INFINITE, 1.0],
        [decimal.Decimal("1.5"), decimal.Decimal("NaN"), None, 3],
        [[1], [], None, [[2]]],
        [{"a": 1}, {}, None, {1: {2}}],
        [b"\xff", b"", None, b"x"],
        [dt.time(1), dt.date(2013, 1, 1), None, dt.timedelta(1)],
        ["\ud800", "\0", "", "x" * 100_000],
        [2**70, -(2**70), 0, None],
    ],
    ids=["floats", "decimals", "lists", "objects", "bytes", "times", "text", "great numbers"],
)
def test_values_of_any_kind_give_a_verdict_that_is_json(judge, values: list[object]) -> None:
    frame = pd.DataFrame({"a": pd.Series(values, dtype=object), "b": range(4)})
    [told, _] = dumped(judge(frame, (NOT_NULL, {"column": "a"}), (IN_SET, {"column": "b", "value_set": [1]})))
    assert told["rows"] == 4
    nulls = [number for number, value in enumerate(values) if value is None or value != value]  # noqa: PLR0124 - NaN
    assert told["expectations"][0]["unexpected_index_list"] == nulls


@pytest.mark.parametrize("column", FRAME.columns)
def test_what_is_observed_of_any_column_is_json(judge, column: str) -> None:
    kinds = [(kind, {**kwargs, "column": column}) for kind, kwargs in TABLE_LEVEL if "column" in kwargs]
    for kind, kwargs in kinds:
        try:
            verdict = judge(FRAME, (kind, {key: value for key, value in kwargs.items() if key != "row_condition"}))
        except SuiteErrored:
            continue
        dumped(verdict)


@pytest.mark.parametrize("value", [b"x", dt.time(1), decimal.Decimal("1.5"), {"a": 1}, [1], NAN, 2**70])
def test_a_set_of_values_of_any_kind_gives_json_or_a_sentence(judge, value: object) -> None:
    try:
        verdict = judge(pa.table({"b": [1, 2, 3]}), (IN_SET, {"column": "b", "value_set": [1, 2, value]}))
    except (SuiteBroken, SuiteErrored):
        return
    assert dumped(verdict)[0]["bad_rows"] == [2]


def test_arguments_that_json_does_not_know_are_told_as_text(judge) -> None:
    at = dt.datetime(2013, 1, 3, tzinfo=dt.UTC)
    verdict = judge(
        FRAME, (BETWEEN, {"column": "at", "min_value": at}), (BETWEEN, {"column": "n", "max_value": INFINITE})
    )
    told = dumped(verdict)[0]["expectations"]
    assert [each["kwargs"] for each in told] == [
        {"column": "at", "min_value": "2013-01-03T00:00:00+00:00"}, {"column": "n", "max_value": "inf"},
    ]  # fmt: skip


def test_numbers_that_are_none_are_nulls_and_endless_ones_are_compared(judge) -> None:
    table = pa.table({"a": [NAN, INFINITE, -INFINITE, 1.0]})
    verdict = judge(table, (NOT_NULL, {"column": "a"}), (BETWEEN, {"column": "a", "min_value": 0, "max_value": 9}))
    assert [outcome.set_aside for outcome in verdict.expectations] == [[0], [1, 2]]


@pytest.mark.parametrize("rule", [ROW_WISE[0], ("expect_column_max_to_be_between", {"column": "n", "max_value": 3})])
def test_a_column_that_occurs_twice_in_a_frame_is_refused(judge, rule) -> None:
    with pytest.raises(DataRefused, match="Column 'n' occurs 2 times"):
        judge(pd.DataFrame([[1, 2]], columns=["n", "n"]), rule)


def test_a_column_that_occurs_twice_and_is_not_looked_at_harms_nobody(judge) -> None:
    assert judge(pd.DataFrame([[1, 2, 3]], columns=["n", "x", "x"]), (NOT_NULL, {"column": "n"})).success


@pytest.mark.parametrize("data", [pd.DataFrame(), pa.table({})])
def test_data_without_columns_never_meet_a_rule_about_one(judge, data) -> None:
    with pytest.raises(SuiteErrored, match=r"could not be checked"):
        judge(data, (NOT_NULL, {"column": "a"}))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Great Expectations' own, of conditions that are texts
@pytest.mark.parametrize(
    ("kind", "kwargs"),
    [
        (BETWEEN, {}),
        (BETWEEN, {"column": "a", "mostly": 2}),
        (BETWEEN, {"column": "a", "mostly": "most"}),
        (IN_SET, {"column": "a", "value_set": 3}),
        (NOT_NULL, {"column": ["a"]}),
        (NOT_NULL, {"column": {"a": 1}}),
        ("expect_compound_columns_to_be_unique", {"column_list": [["a"], {"b": 1}]}),
        (NOT_NULL, {"column": "a", "row_condition": {"type": "weather"}}),
        (NOT_NULL, {"column": "a", "row_condition": "a > 1", "condition_parser": "sorcery"}),
        ("expect_compound_columns_to_be_unique", {"column_list": "a", "ignore_row_if": "perhaps"}),
    ],
)
def test_wrong_arguments_are_refused_with_the_rule_that_has_them(judge, kind: str, kwargs: dict[str, Any]) -> None:
    with pytest.raises((SuiteBroken, SuiteErrored), match=f"expectation 0 .*{kind}"):
        judge(pa.table({"a": [1, 2, 3]}), (kind, kwargs))


@pytest.mark.parametrize("arrow", [True, False])
def test_ten_thousand_columns_cost_no_more_than_those_that_are_looked_at(judge, arrow: bool) -> None:  # noqa: FBT001
    """The best of five, since another process may hold the processor."""
    wide = {f"c{number}": [*range(99), None] for number in range(10_000)}
    data = pa.table(wide) if arrow else pd.DataFrame(wide)
    rules = [(NOT_NULL, {"column": f"c{number}", "row_condition": f"c{number + 1} > 5"}) for number in range(10)]
    rules.append(("expect_table_column_count_to_equal", {"value": 10_000}))
    judge(data, *rules)
    took = []
    for _ in range(5):
        began = time.perf_counter()
        verdict = judge(data, *rules)
        took.append(time.perf_counter() - began)
    assert (verdict.rows, verdict.success) == (100, True)
    assert min(took) < 1
