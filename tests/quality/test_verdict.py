"""A verdict says of every row which rules it broke, and of every rule which rows."""

import json

import pyarrow as pa
import pytest

from datastream.quality import validate

TABLE = pa.table({"a": [1, None, 9, None], "b": ["x", "x", "y", "z"], "c": [1, 1, 1, 5]})
RULES = [
    ("expect_column_values_to_not_be_null", {"column": "a"}),
    ("expect_column_values_to_be_unique", {"column": "b"}, "warning"),
    ("expect_column_values_to_be_between", {"column": "c", "max_value": 4}, "info"),
    ("expect_column_values_to_be_in_set", {"column": "b", "value_set": ["x", "y", "z"]}),
    ("expect_table_row_count_to_equal", {"value": 5}, "warning"),
]


@pytest.fixture
def verdict(judge):
    return judge(TABLE, *RULES)


def test_a_row_that_breaks_two_rules_lists_both(verdict) -> None:
    assert verdict.rules_by_row() == {0: (1,), 1: (0, 1), 3: (0, 2)}


def test_a_row_that_breaks_two_rules_is_one_bad_row(verdict) -> None:
    assert verdict.bad_rows == [0, 1, 3]


def test_the_rows_of_some_severities_leave_the_others_out(verdict) -> None:
    assert verdict.bad_rows_for({"critical"}) == [1, 3]
    assert verdict.rules_by_row({"warning", "info"}) == {0: (1,), 1: (1,), 3: (2,)}


def test_a_failed_table_is_told_by_severity(verdict) -> None:
    assert [outcome.rule.number for outcome in verdict.table_failures({"warning"})] == [4]
    assert verdict.table_failures({"critical"}) == ()


def test_a_verdict_is_json_with_these_keys(verdict) -> None:
    told = json.loads(json.dumps(verdict.to_dict()))
    assert list(told) == ["success", "rows", "bad_rows", "expectations"]
    assert told["expectations"][0] == {
        "type": "expect_column_values_to_not_be_null",
        "kwargs": {"column": "a"},
        "severity": "critical",
        "success": False,
        "unexpected_index_list": [1, 3],
    }


def test_rows_that_mostly_tolerates_are_bad_only_if_all_unexpected_ones_are(suite_of) -> None:
    suite = suite_of(("expect_column_values_to_not_be_null", {"column": "a", "mostly": 0.5}))
    for set_aside, bad, warned in (("failed", [], [1, 3]), ("all_unexpected", [1, 3], [])):
        verdict = validate(TABLE, suite, set_aside)
        assert (verdict.success, verdict.bad_rows, verdict.expectations[0].warned) == (True, bad, warned)
        assert verdict.rules_by_row() == dict.fromkeys(bad, (0,))


def test_a_suite_that_is_met_has_no_bad_rows(judge) -> None:
    verdict = judge(TABLE, RULES[3])
    assert (verdict.success, verdict.bad_rows, verdict.rules_by_row()) == (True, [], {})
