"""Which columns rules look at, and how. Only those are converted for Great Expectations,
each into the pandas type in which every rule on it reads the same value, with or without nulls beside it.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from datastream.quality.suite import Rule

# These ask for numbers or for null, never for how a value is written: 5 and 5.0 are the same to them.
# The type list stands here because pandas' own type of whole numbers with nulls, float64, is what people list.
_NUMERIC = frozenset(
    {
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_be_null",
        "expect_column_values_to_be_between",
        "expect_column_values_to_be_in_set",
        "expect_column_values_to_not_be_in_set",
        "expect_column_values_to_be_unique",
        "expect_column_values_to_be_in_type_list",
        "expect_column_values_to_be_increasing",
        "expect_column_values_to_be_decreasing",
        "expect_column_values_to_not_be_outliers",
        "expect_column_value_z_scores_to_be_less_than",
        "expect_column_min_to_be_between",
        "expect_column_max_to_be_between",
        "expect_column_mean_to_be_between",
        "expect_column_median_to_be_between",
        "expect_column_sum_to_be_between",
        "expect_column_stdev_to_be_between",
        "expect_column_quantile_values_to_be_between",
        "expect_column_proportion_of_unique_values_to_be_between",
        "expect_column_proportion_of_non_null_values_to_be_between",
        "expect_column_unique_value_count_to_be_between",
    }
)
_STEPS = frozenset({"expect_column_values_to_be_increasing", "expect_column_values_to_be_decreasing"})


_NAMES_ONLY = frozenset(
    {
        "expect_column_to_exist",
        "expect_table_column_count_to_be_between",
        "expect_table_column_count_to_equal",
        "expect_table_columns_to_match_ordered_list",
        "expect_table_columns_to_match_set",
    }
)

Look = Literal["some columns", "names", "anything"]
"""What a rule looks at: rows of the columns that it names, the names of all columns, or what nobody knows."""


def look_of(rule: Rule, *, core: bool) -> Look:
    """Return what the rule looks at; only of a core expectation it is known what its kwargs name."""
    if not core:
        return "anything"
    if rule.type in _NAMES_ONLY:
        return "names"
    return "some columns" if rule.columns or rule.type.startswith("expect_table_row_count_to_") else "anything"


@dataclass(frozen=True, slots=True)
class Demand:
    """What rules that look at the same need of the data; `columns` is None when it may be any of them."""

    columns: frozenset[str] | None
    rows: bool
    conditions: tuple[str, ...]
    written: frozenset[str]
    together: frozenset[str]
    stepped: frozenset[str]
    """Of these each value is subtracted from the next, which must not overflow."""

    @classmethod
    def of(cls, rules: Collection[Rule], look: Look) -> "Demand":
        """Read the demand off the rules."""
        columns: set[str] = set()
        conditions: list[str] = []
        written: set[str] = set()
        together: set[str] = set()
        stepped: set[str] = set()
        for rule in rules:
            named = rule.columns
            columns |= named
            conditions += _texts(rule.kwargs.get("row_condition"))
            if rule.type in _STEPS:
                stepped |= named
            if "column" not in rule.kwargs:
                together |= named
            elif rule.type not in _NUMERIC:
                written |= named
        sets = (frozenset(names) for names in (written, together, stepped))
        wanted = frozenset(columns) if look == "some columns" else None
        return cls(wanted, look != "names", tuple(conditions), *sets)

    def wants(self, column: object) -> bool:
        """Tell whether the suite may look at the column."""
        return self.columns is None or column in self.columns or self.conditional(column)

    def conditional(self, column: object) -> bool:
        """Tell whether a row_condition may read the column; a word of its text that is the name counts."""
        name = str(column)
        held = [text for text in self.conditions if name in text]  # there may be thousands of columns
        return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for text in held)

    def compares(self, column: str) -> bool:
        """Tell whether the column is set beside another or stands in a condition, where nulls must compare as NaN."""
        return column in self.together or self.conditional(column)


def _texts(condition: Any) -> Iterator[str]:
    if isinstance(condition, str):
        yield condition
    elif isinstance(condition, Mapping):
        for value in condition.values():
            yield from _texts(value)
    elif isinstance(condition, list | tuple):
        for value in condition:
            yield from _texts(value)
    elif hasattr(condition, "dict"):  # one of Great Expectations' own objects
        yield from _texts(condition.dict())
