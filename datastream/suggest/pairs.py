"""Columns that come in order: a start before its end. Both names must say so, and every row must bear it out."""

from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from datastream.suggest.columns import Column

_ORDERED = (
    ("start", "end"), ("started", "ended"), ("start", "finish"), ("started", "finished"), ("begin", "end"),
    ("from", "to"), ("since", "until"), ("created", "updated"), ("created", "modified"), ("created", "closed"),
    ("created", "deleted"), ("created", "completed"), ("opened", "closed"), ("ordered", "shipped"),
    ("shipped", "delivered"), ("first", "last"), ("min", "max"), ("low", "high"), ("lower", "upper"),
)  # fmt: skip
_LEAST_ROWS = 100
_LEAST_DIFFERENT = 0.1
"""Two columns that are nearly always equal say nothing of which comes first."""


def pairs(columns: Mapping[str, Column]) -> Iterator[tuple[Column, Column, str]]:
    """Yield pairs of which the first is never greater than the second, each with what was seen."""
    for name, column in columns.items():
        for before, after in _ORDERED:
            other = columns.get(_renamed(name, before, after))
            if other is not None and column.kind == other.kind and column.kind in ("number", "time"):
                yield from _in_order(column, other)


def _renamed(name: str, before: str, after: str) -> str:
    """Return the name with one of its words replaced, or nothing if it is none of them."""
    parts = str(name).split("_")
    return "_".join(after if part == before else part for part in parts) if parts.count(before) == 1 else ""


def _in_order(first: Column, second: Column) -> Iterator[tuple[Column, Column, str]]:
    try:
        before = pc.less(first.values, second.values).drop_null()
        equal = pc.equal(first.values, second.values).drop_null()
    except pa.ArrowException:  # a time with a zone and one without cannot be compared
        return
    different, same = pc.sum(before).as_py() or 0, pc.sum(equal).as_py() or 0
    rows = len(before)
    if rows >= _LEAST_ROWS and different + same == rows and different >= _LEAST_DIFFERENT * rows:
        yield first, second, f"so in all of {rows:,} rows, equal in {same:,}"
