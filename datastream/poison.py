"""Finds the rows that a transform cannot stand, so that one odd record does not hold up all others of its lane.

A transform that raises for many rows is broken itself: it stops the run, as before, and nothing is set aside.
"""

from typing import NamedTuple

import pyarrow as pa

from datastream.transform import Transform, TransformRaised, apply

_MOST = 16
"""So many rows of a claim may be to blame, and no more than half of them."""


class Applied(NamedTuple):
    """What a transform made of a table."""

    table: pa.Table
    kept: list[int] | None
    """Which row of the given table each row is; None stands for all, in order."""
    raised: dict[int, str]
    """The rows that it cannot stand, each with the rule by which it is set aside."""


def applied(transform: Transform, entry: str, table: pa.Table) -> Applied:
    """Run a transform; rows that make it raise are left out and named. Raises TransformFailed."""
    try:
        return Applied(*apply(transform, entry, table), {})
    except TransformRaised as error:
        raised = _to_blame(transform, entry, table)
        if raised is None:
            raise
        good = [row for row in range(table.num_rows) if row not in raised]
        try:
            result, kept = apply(transform, entry, table.take(pa.array(good, pa.int64())))
        except TransformRaised:  # it is no single row that it cannot stand
            raise error from error.__cause__
        return Applied(result, good if kept is None else [good[row] for row in kept], raised)


def _to_blame(transform: Transform, entry: str, table: pa.Table) -> dict[int, str] | None:
    """Return the rows that make it raise, found by halves; None if they are too many to be the odd ones."""
    raised: dict[int, str] = {}
    left = [(0, table.num_rows)]
    while left:
        start, count = left.pop()
        try:
            apply(transform, entry, table.slice(start, count))
        except TransformRaised as error:
            if count == 1:
                raised[start] = error.rule
            else:
                left += [(start, count // 2), (start + count // 2, count - count // 2)]
        if len(raised) > _MOST or 2 * len(raised) > table.num_rows:
            return None
    return raised
