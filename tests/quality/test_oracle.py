"""Our verdict is Great Expectations' own: the same data through both, rule by rule."""

import datetime as dt

import pandas as pd
import pytest

FRAME = pd.DataFrame(
    {
        "n": [3, 1, 2, 3, None, 9],
        "m": [3, 2, 2, None, None, 1],
        "whole": [1, 2, 3, 4, 5, 6],
        "twice": [1, 1, 2, 3, 4, 4],
        "s": ["EWR", "JFK", "lga", None, "EWR", ""],
        "at": pd.to_datetime([f"2013-0{month}-01T00:00:00Z" for month in range(1, 7)]),
        "mixed": [1, "a", 2.5, None, "b", True],
        "empty": [None] * 6,
    }
)
PAIRS = {"column_A": "n", "column_B": "m"}
ABOVE_TWO = {"type": "comparison", "column": {"name": "whole"}, "operator": ">", "parameter": 2}
NOT_THREE = {"type": "comparison", "column": {"name": "n"}, "operator": "!=", "parameter": 3}

CASES = [
    ("expect_column_values_to_not_be_null", {"column": "n"}),
    ("expect_column_values_to_not_be_null", {"column": "n", "mostly": 0.5}),
    ("expect_column_values_to_not_be_null", {"column": "n", "mostly": 0.99}),
    ("expect_column_values_to_be_null", {"column": "s"}),
    ("expect_column_values_to_be_null", {"column": "empty"}),
    ("expect_column_values_to_be_between", {"column": "n", "min_value": 2, "max_value": 3}),
    ("expect_column_values_to_be_between", {"column": "n", "min_value": 2, "strict_min": True, "mostly": 0.2}),
    ("expect_column_values_to_be_between", {"column": "empty", "min_value": 2}),
    ("expect_column_values_to_be_between", {"column": "at", "min_value": dt.datetime(2013, 3, 1, tzinfo=dt.UTC)}),
    ("expect_column_values_to_be_between", {"column": "at", "max_value": "2013-02-01T00:00:00Z"}),
    ("expect_column_values_to_be_in_set", {"column": "s", "value_set": ["EWR", "JFK"]}),
    ("expect_column_values_to_not_be_in_set", {"column": "s", "value_set": ["EWR"], "row_condition": ABOVE_TWO}),
    ("expect_column_values_to_be_in_set", {"column": "s", "value_set": ["EWR"], "row_condition": NOT_THREE}),
    ("expect_column_values_to_match_regex", {"column": "s", "regex": "^[A-Z]{3}$"}),
    ("expect_column_values_to_not_match_regex", {"column": "s", "regex": "^E"}),
    ("expect_column_value_lengths_to_be_between", {"column": "s", "min_value": 1}),
    ("expect_column_values_to_be_unique", {"column": "twice"}),
    ("expect_column_values_to_be_unique", {"column": "n", "row_condition": ABOVE_TWO}),
    ("expect_column_values_to_be_of_type", {"column": "s", "type_": "str"}),
    ("expect_column_values_to_be_of_type", {"column": "whole", "type_": "float64"}),
    ("expect_column_values_to_be_of_type", {"column": "mixed", "type_": "str"}),
    ("expect_column_values_to_be_in_type_list", {"column": "whole", "type_list": ["int64", "float64"]}),
    ("expect_column_values_to_be_in_type_list", {"column": "mixed", "type_list": ["int", "float"]}),
    ("expect_column_value_z_scores_to_be_less_than", {"column": "n", "threshold": 1, "double_sided": True}),
    ("expect_column_pair_values_to_be_equal", PAIRS),
    ("expect_column_pair_values_to_be_equal", {**PAIRS, "ignore_row_if": "either_value_is_missing"}),
    ("expect_column_pair_values_a_to_be_greater_than_b", {**PAIRS, "or_equal": True, "ignore_row_if": "neither"}),
    ("expect_column_pair_values_to_be_in_set", {**PAIRS, "value_pairs_set": [[3, 3], [2, 2]]}),
    ("expect_multicolumn_sum_to_equal", {"column_list": ["whole", "twice"], "sum_total": 2}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["n", "m"], "ignore_row_if": "never"}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["twice", "empty"]}),
    ("expect_select_column_values_to_be_unique_within_record", {"column_list": ["n", "m", "whole"]}),
    ("expect_column_mean_to_be_between", {"column": "whole", "max_value": 3}),
    ("expect_column_quantile_values_to_be_between", {"column": "n", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 9]]}}),  # noqa: E501 - one case a line
    ("expect_column_distinct_values_to_be_in_set", {"column": "s", "value_set": ["EWR"]}),
    ("expect_table_row_count_to_equal", {"value": 6}),
    ("expect_table_columns_to_match_set", {"column_set": ["n", "m"]}),
    ("expect_column_to_exist", {"column": "m", "column_index": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "kwargs"), CASES)
def test_a_rule_says_what_great_expectations_says(judge, oracle, kind, kwargs) -> None:
    success, rows = oracle(FRAME, kind, kwargs)
    [outcome] = judge(FRAME, (kind, kwargs)).expectations
    assert (outcome.success, outcome.row_wise) == (success, rows is not None)
    assert outcome.unexpected_index_list == (rows or [])


@pytest.mark.parametrize(("kind", "kwargs"), CASES)
def test_no_rows_at_all_are_judged_as_great_expectations_judges_them(judge, oracle, kind, kwargs) -> None:
    nothing = FRAME.iloc[:0]
    success, rows = oracle(nothing, kind, kwargs)
    [outcome] = judge(nothing, (kind, kwargs)).expectations
    assert (outcome.success, outcome.unexpected_index_list) == (success, rows or [])


def test_many_rules_at_once_say_what_each_says_alone(judge) -> None:
    """Great Expectations sorts rules by column and answers in that order; ours stay in the suite's."""
    together = judge(FRAME, *CASES).expectations
    alone = [judge(FRAME, case).expectations[0] for case in CASES]
    assert [(o.rule.type, o.success, o.unexpected_index_list) for o in together] == [
        (o.rule.type, o.success, o.unexpected_index_list) for o in alone
    ]
