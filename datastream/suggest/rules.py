"""What may be asked of a column, each rule with its evidence: critical what identifies and types, else a warning.

A rule is proposed where enough was seen to expect it of the next rows too. What holds by chance is left out.
"""

from collections.abc import Collection, Iterator

import pyarrow.compute as pc

from datastream.suggest.columns import Column
from datastream.suggest.nulls import nulls
from datastream.suggest.pairs import pairs
from datastream.suggest.patterns import Pattern, pattern_of
from datastream.suggest.proposal import Proposal
from datastream.suggest.ranges import natural, range_of
from datastream.suggest.unique import unique, unique_together

_IDS = ("id", "uuid", "guid", "ulid")
_LEAST_ROWS = 10
_LEAST_ROWS_OF_SET, _MOST_VALUES, _LONGEST_VALUE, _LEAST_TIMES = 100, 50, 64, 5


def proposals(columns: dict[str, Column], key: Collection[str]) -> Iterator[Proposal]:
    """Yield the rules of a table; each of its columns is named by one of them."""
    for column in columns.values():
        pattern = pattern_of(column) if column.kind == "text" else None
        named = column.name in key or str(column.name).lower() in _IDS
        identifies = named or bool(pattern and pattern.identifies)
        found = [*_type(column), *nulls(column, identifies=identifies)]
        found += unique(column, pattern, key, identifies=identifies)
        known = _pattern(column, pattern) if pattern and pattern.known else []
        found += known or _values(column) or _pattern(column, pattern) or _range(column) or _length(column)
        yield from found or [_there(column)]
    if len(key) > 1 and all(name in columns for name in key):
        yield from unique_together([columns[name] for name in key])
    for first, second, evidence in pairs(columns):
        kwargs = {"column_A": second.name, "column_B": first.name, "or_equal": True}
        kwargs["ignore_row_if"] = "either_value_is_missing"
        yield Proposal("expect_column_pair_values_a_to_be_greater_than_b", kwargs, "warning", evidence)


def _there(column: Column) -> Proposal:
    seen = "no row" if not column.rows else f"{len(column.present):,} of {column.rows:,} rows have a value"
    return Proposal("expect_column_to_exist", {"column": column.name}, "critical", seen)


def _type(column: Column) -> Iterator[Proposal]:
    if column.types and len(column.present):
        kwargs = {"column": column.name, "type_list": list(column.types)}
        evidence = f"{len(column.present):,} of {len(column.present):,} values are"
        yield Proposal("expect_column_values_to_be_in_type_list", kwargs, "critical", evidence)


def _values(column: Column) -> list[Proposal]:
    """Propose the set of values where it is closed: few, each seen often, and each in every quarter of the rows."""
    seen = len(column.present)
    if column.hidden or seen < _LEAST_ROWS_OF_SET or not _may_be_set(column):
        return []
    if any(pc.count_distinct(quarter).as_py() != column.distinct for quarter in column.quarters):
        return []
    counts = pc.value_counts(column.present)
    values, rarest = sorted(counts.field("values").to_pylist()), pc.min(counts.field("counts")).as_py()
    if rarest < _LEAST_TIMES:
        return []
    evidence = (
        f"{len(values):,} values, the rarest {rarest:,} times" if len(values) > 1 else f"one value, {seen:,} times"
    )
    kwargs = {"column": column.name, "value_set": values}
    return [Proposal("expect_column_values_to_be_in_set", kwargs, "warning", evidence)]


def _may_be_set(column: Column) -> bool:
    """Tell whether values are few and short. Of numbers only a whole one that is always the same is a name."""
    if column.kind == "text":
        return column.lengths[1] <= _LONGEST_VALUE and column.distinct <= _MOST_VALUES
    return column.kind == "number" and column.whole and column.distinct == 1 and not natural(column)


def _pattern(column: Column, pattern: Pattern | None) -> list[Proposal]:
    if pattern is None:
        return []
    kwargs = {"column": column.name, "regex": pattern.regex}
    evidence = f"{pattern.name}: all of {len(column.present):,} match, {column.distinct:,} of them different"
    return [
        Proposal(
            "expect_column_values_to_match_regex", kwargs, "critical" if pattern.identifies else "warning", evidence
        )
    ]


def _range(column: Column) -> list[Proposal]:
    found = range_of(column) if column.kind in ("number", "time") and not column.hidden else None
    if found is None:
        return []
    kwargs = {"column": column.name, "min_value": found.least, "max_value": found.greatest}
    kwargs = {name: value for name, value in kwargs.items() if value is not None}
    return [Proposal("expect_column_values_to_be_between", kwargs, "warning", found.evidence)]


def _length(column: Column) -> list[Proposal]:
    if column.kind != "text" or len(column.present) < _LEAST_ROWS:
        return []
    least, longest = column.lengths
    kwargs = {"column": column.name, "min_value": min(least, 1), "max_value": max(10, 2 * longest)}
    evidence = f"{len(column.present):,} texts of {least:,} to {longest:,} characters"
    return [Proposal("expect_column_value_lengths_to_be_between", kwargs, "warning", evidence)]
