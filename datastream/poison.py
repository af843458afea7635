"""Runs a transform, and leaves out the few rows that make it raise."""

from typing import NamedTuple

import pyarrow as pa

from datastream.blame import to_blame
from datastream.masking import Mask
from datastream.transform import Transform, TransformRaised, apply


class Applied(NamedTuple):
    """What a transform made of a table."""

    table: pa.Table
    kept: list[int] | None
    """Which row of the given table each row is; None stands for all, in order."""
    raised: dict[int, str]
    """The rows that it cannot stand, each with the rule by which it is set aside."""


def applied(transform: Transform, entry: str, table: pa.Table, mask: Mask = Mask()) -> Applied:  # noqa: B008 - frozen
    """Run a transform; rows that make it raise are left out and named. Raises TransformFailed.

    With a `mask` its error is told by type alone: the text may show a value.
    """
    try:
        return Applied(*apply(transform, entry, table), {})
    except TransformRaised as error:
        raised = _to_blame(transform, entry, table)
        if raised is None:
            raise _told(error, entry, mask) from error.__cause__
        good = [row for row in range(table.num_rows) if row not in raised]
        try:
            result, kept = apply(transform, entry, table.take(pa.array(good, pa.int64())))
        except TransformRaised:  # it is no single row that it cannot stand
            raise _told(error, entry, mask) from error.__cause__
        return Applied(result, good if kept is None else [good[row] for row in kept], raised)


def _told(error: TransformRaised, entry: str, mask: Mask) -> TransformRaised:
    if not mask:
        return error
    return TransformRaised(
        f"The transform {entry!r} raised {type(error.__cause__).__name__}, whose text is not shown because the stream "
        "has personal data. Mend it; nothing was committed, and the next run takes the same records."
    )


def _to_blame(transform: Transform, entry: str, table: pa.Table) -> dict[int, str] | None:
    """Return the rows that make it raise, found by halves; None if they are too many to be the odd ones."""

    def fate(start: int, count: int) -> str | None:
        try:
            apply(transform, entry, table.slice(start, count))
        except TransformRaised as error:
            return error.rule
        return None

    return to_blame(table.num_rows, fate)
