"""Says an expectation in a few words, for tables and run pages. A type that is not known here
is shown as its call, so that every rule has a label and no label claims what the rule does not.
"""

from collections.abc import Mapping
from typing import Any

_LONGEST = 80
_SHOWN_VALUES = 8

_PHRASES = {
    "expect_column_values_to_not_be_null": "{column} not null",
    "expect_column_values_to_be_null": "{column} null",
    "expect_column_values_to_be_unique": "{column} unique",
    "expect_column_values_to_be_in_set": "{column} in {value_set}",
    "expect_column_values_to_not_be_in_set": "{column} not in {value_set}",
    "expect_column_values_to_match_regex": "{column} matches {regex}",
    "expect_column_values_to_not_match_regex": "{column} does not match {regex}",
    "expect_column_values_to_be_of_type": "{column} is {type_}",
    "expect_column_values_to_be_in_type_list": "{column} is one of {type_list}",
    "expect_column_value_lengths_to_equal": "length of {column} = {value}",
    "expect_column_to_exist": "{column} exists",
    "expect_compound_columns_to_be_unique": "{column_list} unique together",
    "expect_select_column_values_to_be_unique_within_record": "{column_list} differ within a row",
    "expect_column_pair_values_to_be_equal": "{column_A} = {column_B}",
    "expect_column_pair_values_a_to_be_greater_than_b": "{column_A} {greater} {column_B}",
    "expect_column_pair_values_to_be_in_set": "({column_A}, {column_B}) in {value_pairs_set}",
    "expect_multicolumn_sum_to_equal": "sum of {column_list} = {sum_total}",
    "expect_table_row_count_to_equal": "row count = {value}",
    "expect_table_column_count_to_equal": "column count = {value}",
}

_RANGES = {
    "expect_column_values_to_be_between": "{column}",
    "expect_column_value_lengths_to_be_between": "length of {column}",
    "expect_column_min_to_be_between": "least {column}",
    "expect_column_max_to_be_between": "greatest {column}",
    "expect_column_mean_to_be_between": "mean of {column}",
    "expect_column_median_to_be_between": "median of {column}",
    "expect_column_sum_to_be_between": "sum of {column}",
    "expect_column_stdev_to_be_between": "standard deviation of {column}",
    "expect_column_unique_value_count_to_be_between": "distinct values of {column}",
    "expect_column_proportion_of_unique_values_to_be_between": "share of distinct {column}",
    "expect_table_row_count_to_be_between": "row count",
    "expect_table_column_count_to_be_between": "column count",
}


def label(kind: str, kwargs: Mapping[str, Any]) -> str:
    """Return the expectation as a short phrase, with its tolerance and condition where it has them."""
    words = {key: _shown(value) for key, value in kwargs.items()}
    words["greater"] = ">=" if kwargs.get("or_equal") else ">"
    try:
        phrase = _phrase(kind, kwargs).format_map(words)
    except KeyError:
        phrase = f"{kind}({', '.join(f'{key}={_shown(value)}' for key, value in kwargs.items())})"
    return _clip(phrase) + _tolerance(kwargs.get("mostly")) + _condition(kwargs.get("row_condition"))


def _phrase(kind: str, kwargs: Mapping[str, Any]) -> str:
    if kind not in _RANGES:
        return _PHRASES[kind]
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if low is not None and high is not None and not kwargs.get("strict_min") and not kwargs.get("strict_max"):
        return f"{_RANGES[kind]} between {{min_value}} and {{max_value}}"
    bounds = [f"{'>' if kwargs.get('strict_min') else '>='} {{min_value}}"] if low is not None else []
    bounds += [f"{'<' if kwargs.get('strict_max') else '<='} {{max_value}}"] if high is not None else []
    if not bounds:
        raise KeyError(kind)
    return f"{_RANGES[kind]} {' and '.join(bounds)}"


def _shown(value: Any) -> str:
    if not isinstance(value, list | tuple | set | frozenset):
        return str(value)
    shown = [_shown(item) for item in list(value)[:_SHOWN_VALUES]]
    more = ["..."] if len(value) > _SHOWN_VALUES else []
    return "{" + ", ".join(shown + more) + "}"


def _tolerance(mostly: Any) -> str:
    if not isinstance(mostly, int | float) or mostly == 1:
        return ""
    return f" (in {mostly * 100:g}% or more)"


def _condition(condition: Any) -> str:
    if not condition:
        return ""
    return f" where {_clip(condition)}" if isinstance(condition, str) else " where its row_condition holds"


def _clip(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
