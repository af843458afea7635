"""Every expectation of Great Expectations 1.24, with data on which it is not met."""

import datetime as dt
import decimal

import pandas as pd

_DAYS = [f"2013-01-{day:02}" for day in (1, 2, 3, 4, 5, 6, 7, 7)]
FRAME = pd.DataFrame(
    {
        "n": [3, 1, 2, 3, None, 9, 4, 5],
        "m": [3, 2, 2, None, None, 1, 4, 5],
        "whole": [1, 2, 3, 4, 5, 6, 8, 7],
        "twice": [1, 1, 2, 3, 4, 4, 5, 6],
        "fraction": [0.5, float("nan"), float("inf"), -2.0, 0.0, 1e300, 3.0, 3.0],
        "s": ["EWR", "JFK", "lga", None, "EWR", "", "x y", "LGA"],
        "at": pd.to_datetime([f"{day}T00:00:00Z" for day in _DAYS]),
        "naive": pd.to_datetime([*_DAYS[:6], None, _DAYS[7]]),
        "yes": [True, False] * 4,
        "yes_or_null": [True, None, False, True] * 2,
        "price": [decimal.Decimal(n) if n else None for n in ("1.5", "2", None, "3", "3", "4", "5", "6")],
        "mixed": [1, "a", 2.5, None, "b", True, 3, "a"],
        "empty": [None] * 8,
        "bytes": [b"x", None, b"", b"x"] * 2,
        "list": [[1], [2], None, [1]] * 2,
        "object": [{"a": 1}, None, {"b": 2}, {}] * 2,
        "day": [dt.date(2013, 1, day) for day in range(1, 9)],
        "clock": [dt.time(hour) for hour in range(1, 9)],
        "json": ['{"a": 1}', "[1]", None, "{", '{"a": "x"}', "1", "nope", "{}"],
        "written": ["2013-01-01", None, "Jan 2 2013", "x", "2013-13-01", "10:30", "2013-02-30", "2013-01-05"],
    }
)

_WEIGHTS = {"values": ["EWR", "JFK"], "weights": [0.5, 0.5]}
_PAIR = {"column_A": "n", "column_B": "m"}
_SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
_JSON = "whole in [1, 5, 8]"
_COMPOUND = {"column_list": ["yes", "yes_or_null"]}
_HALF = {"quantiles": [0.5], "value_ranges": [[0, 1]]}
_QUERIES = {"base_query": "SELECT 1", "comparison_data_source_name": "other", "comparison_query": "SELECT 1"}

ROW_WISE = [
    ("expect_column_values_to_not_be_null", {"column": "n"}),
    ("expect_column_values_to_be_null", {"column": "s"}),
    ("expect_column_values_to_be_unique", {"column": "twice"}),
    ("expect_column_values_to_be_between", {"column": "n", "min_value": 2, "max_value": 3}),
    ("expect_column_values_to_be_between", {"column": "n", "min_value": 2, "strict_min": True}),
    ("expect_column_values_to_be_between", {"column": "price", "max_value": 3}),
    ("expect_column_values_to_be_between", {"column": "at", "min_value": dt.datetime(2013, 1, 3, tzinfo=dt.UTC)}),
    ("expect_column_values_to_be_between", {"column": "naive", "max_value": "2013-01-02T00:00:00"}),
    ("expect_column_values_to_be_in_set", {"column": "s", "value_set": ["EWR", "JFK"]}),
    ("expect_column_values_to_not_be_in_set", {"column": "s", "value_set": ["EWR"]}),
    ("expect_column_values_to_match_regex", {"column": "s", "regex": "^[A-Z]{3}$"}),
    ("expect_column_values_to_not_match_regex", {"column": "s", "regex": "^E"}),
    ("expect_column_values_to_match_regex_list", {"column": "s", "regex_list": ["^E", "^J"], "match_on": "any"}),
    ("expect_column_values_to_match_regex_list", {"column": "s", "regex_list": ["^E", "R$"], "match_on": "all"}),
    ("expect_column_values_to_not_match_regex_list", {"column": "s", "regex_list": ["^E", "^J"]}),
    ("expect_column_values_to_match_strftime_format", {"column": "written", "strftime_format": "%Y-%m-%d"}),
    ("expect_column_values_to_be_dateutil_parseable", {"column": "written"}),
    ("expect_column_values_to_be_json_parseable", {"column": "json"}),
    ("expect_column_values_to_match_json_schema", {"column": "json", "json_schema": _SCHEMA, "row_condition": _JSON}),
    ("expect_column_value_lengths_to_be_between", {"column": "s", "min_value": 1, "max_value": 3}),
    ("expect_column_value_lengths_to_equal", {"column": "s", "value": 3}),
    ("expect_column_value_z_scores_to_be_less_than", {"column": "n", "threshold": 1, "double_sided": True}),
    ("expect_column_values_to_not_be_outliers", {"column": "n", "method": "iqr", "multiplier": 0.5}),
    ("expect_column_values_to_not_be_outliers", {"column": "n", "method": "std", "multiplier": 1.0}),
    ("expect_column_values_to_be_increasing", {"column": "n"}),
    ("expect_column_values_to_be_increasing", {"column": "twice", "strictly": True}),
    ("expect_column_values_to_be_decreasing", {"column": "whole"}),
    ("expect_column_values_to_be_of_type", {"column": "mixed", "type_": "str"}),
    ("expect_column_values_to_be_in_type_list", {"column": "mixed", "type_list": ["int", "float"]}),
    ("expect_column_pair_values_to_be_equal", _PAIR),
    ("expect_column_pair_values_to_be_equal", {**_PAIR, "ignore_row_if": "either_value_is_missing"}),
    ("expect_column_pair_values_a_to_be_greater_than_b", {**_PAIR, "or_equal": True, "ignore_row_if": "neither"}),
    ("expect_column_pair_values_a_to_be_greater_than_b", _PAIR),
    ("expect_column_pair_values_to_be_in_set", {**_PAIR, "value_pairs_set": [[3, 3], [2, 2]]}),
    ("expect_multicolumn_sum_to_equal", {"column_list": ["whole", "twice"], "sum_total": 2}),
    ("expect_multicolumn_values_to_be_equal", {"column_list": ["n", "m", "whole"]}),
    ("expect_compound_columns_to_be_unique", {**_COMPOUND, "ignore_row_if": "never"}),
    ("expect_compound_columns_to_be_unique", {**_COMPOUND, "ignore_row_if": "any_value_is_missing"}),
    ("expect_select_column_values_to_be_unique_within_record", {"column_list": ["n", "m", "whole"]}),
]  # fmt: skip

TABLE_LEVEL = [
    ("expect_column_values_to_be_of_type", {"column": "whole", "type_": "str"}),
    ("expect_column_values_to_be_in_type_list", {"column": "whole", "type_list": ["str"]}),
    ("expect_column_type_to_be", {"column": "whole", "type_": "str"}),
    ("expect_column_distinct_values_to_be_in_set", {"column": "s", "value_set": ["EWR"]}),
    ("expect_column_distinct_values_to_contain_set", {"column": "s", "value_set": ["ORD"]}),
    ("expect_column_distinct_values_to_equal_set", {"column": "s", "value_set": ["EWR"]}),
    ("expect_column_kl_divergence_to_be_less_than", {"column": "s", "partition_object": _WEIGHTS, "threshold": 0.1}),
    ("expect_column_max_to_be_between", {"column": "n", "max_value": 3}),
    ("expect_column_max_to_be_between", {"column": "at", "max_value": dt.datetime(2013, 1, 3, tzinfo=dt.UTC)}),
    ("expect_column_mean_to_be_between", {"column": "whole", "max_value": 3}),
    ("expect_column_median_to_be_between", {"column": "whole", "max_value": 3}),
    ("expect_column_min_to_be_between", {"column": "n", "min_value": 3, "row_condition": "whole > 1"}),
    ("expect_column_most_common_value_to_be_in_set", {"column": "s", "value_set": ["LGA"]}),
    ("expect_column_proportion_of_non_null_values_to_be_between", {"column": "n", "min_value": 0.9}),
    ("expect_column_proportion_of_unique_values_to_be_between", {"column": "twice", "min_value": 0.9}),
    ("expect_column_quantile_values_to_be_between", {"column": "n", "quantile_ranges": _HALF}),
    ("expect_column_stdev_to_be_between", {"column": "whole", "max_value": 1}),
    ("expect_column_sum_to_be_between", {"column": "whole", "max_value": 3}),
    ("expect_column_unique_value_count_to_be_between", {"column": "s", "max_value": 1}),
    ("expect_column_to_exist", {"column": "gone"}),
    ("expect_column_to_exist", {"column": "m", "column_index": 7}),
    ("expect_table_column_count_to_be_between", {"max_value": 1}),
    ("expect_table_column_count_to_equal", {"value": 1}),
    ("expect_table_columns_to_match_ordered_list", {"column_list": ["n", "m"]}),
    ("expect_table_columns_to_match_set", {"column_set": ["n", "m"]}),
    ("expect_table_row_count_to_be_between", {"max_value": 1}),
    ("expect_table_row_count_to_equal", {"value": 8, "row_condition": "whole > 2"}),
]  # fmt: skip

WANTS_SQL = [
    ("expect_column_values_to_match_like_pattern", {"column": "s", "like_pattern": "E%"}),
    ("expect_column_values_to_not_match_like_pattern", {"column": "s", "like_pattern": "E%"}),
    ("expect_column_values_to_match_like_pattern_list", {"column": "s", "like_pattern_list": ["E%"]}),
    ("expect_column_values_to_not_match_like_pattern_list", {"column": "s", "like_pattern_list": ["E%"]}),
    ("expect_table_row_count_to_equal_other_table", {"other_table_name": "other"}),
    ("expect_query_results_to_match_comparison", _QUERIES),
    ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT * FROM {batch} WHERE n > 3"}),
]  # fmt: skip
"""Great Expectations has no way to ask these of a pandas frame."""
