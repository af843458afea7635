"""Which columns a suite looks at, and how. Only those are converted for Great Expectations,
each into the pandas type in which every rule on it reads the same value, with or without nulls beside it.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Demand:
    """What a suite needs of the data; `columns` is None when a rule may look at any of them."""

    columns: frozenset[str] | None
    conditions: tuple[str, ...]
    written: frozenset[str]
    together: frozenset[str]

    @classmethod
    def of(cls, rules: Iterable[Rule], own: Collection[str]) -> "Demand":
        """Read the demand off the rules; only for the types in `own` is it known what their kwargs name."""
        columns: set[str] = set()
        conditions: list[str] = []
        written: set[str] = set()
        together: set[str] = set()
        wide = False
        for rule in rules:
            named = rule.columns
            wide = wide or rule.type not in own or not _narrow(rule, named)
            columns |= named
            conditions += _texts(rule.kwargs.get("row_condition"))
            if "column" not in rule.kwargs:
                together |= named
            elif rule.type not in _NUMERIC:
                written |= named
        return cls(None if wide else frozenset(columns), tuple(conditions), frozenset(written), frozenset(together))

    def wants(self, column: object) -> bool:
        """Tell whether the suite may look at the column."""
        return self.columns is None or column in self.columns or self.conditional(column)

    def conditional(self, column: object) -> bool:
        """Tell whether a row_condition may read the column; a word of its text that is the name counts."""
        word = re.compile(rf"(?<!\w){re.escape(str(column))}(?!\w)")
        return any(word.search(text) for text in self.conditions)

    def compares(self, column: str) -> bool:
        """Tell whether the column is set beside another or stands in a condition, where nulls must compare as NaN."""
        return column in self.together or self.conditional(column)


def _narrow(rule: Rule, named: Collection[str]) -> bool:
    if rule.type.startswith("expect_table_row_count_to_"):
        return True
    return bool(named) and "column_index" not in rule.kwargs


def _texts(condition: Any) -> Iterator[str]:
    if isinstance(condition, str):
        yield condition
    elif isinstance(condition, Mapping):
        for value in condition.values():
            yield from _texts(value)
    elif isinstance(condition, list | tuple):
        for value in condition:
            yield from _texts(value)
