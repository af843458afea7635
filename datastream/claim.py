"""The values that the story hands from step to step: a Claim as it was taken, a Batch as it is checked.

They are structs and not dataclasses, because Prefect walks through a task's dataclasses, row by row.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from datastream.catalog import Cursor, Stream
from datastream.errors import Permanent
from datastream.identity import cursor_column, raw_id, record_ids
from datastream.lake.manifest import CursorRange
from datastream.records import RECORD_ID
from datastream.sources.claims import Offsets, Taken
from datastream.sources.rows import parse
from datastream.sources.window import cursor_after


class SourceUnordered(Permanent):
    """A source that promised order broke it."""


class Claim(msgspec.Struct, frozen=True, eq=False):
    """What was taken from the source, parsed. Its rows are not decided."""

    records: Sequence[Any]
    """As they came, one raw JSON text each."""
    table: pa.Table
    positions: Sequence[int]
    """Where in `records` each row of `table` stands."""
    ids: Sequence[str]
    """The record id of each of `records`."""
    refused: Mapping[int, str]
    """Where in `records` something is no row, and why."""
    cursor: pa.Array
    """The cursor value of each of `records`."""
    schema: dict[str, str]
    offsets: Offsets
    """How far the lane has come once this claim is committed."""
    window: str
    received_at: datetime

    def __len__(self) -> int:
        return len(self.records)

    def rows(self, wanted: set[int] | None) -> tuple[pa.Table, Sequence[int]]:
        """Return the rows at the wanted places (None: all), each with its record id, and their places."""
        table, places = self.table, self.positions
        if wanted is not None or self.refused:
            keep = [row for row, at in enumerate(places) if at not in self.refused and (wanted is None or at in wanted)]
            table, places = table.take(pa.array(keep, pa.int64())), [places[row] for row in keep]
        ids = pa.array([self.ids[at] for at in places], pa.string())
        return table.append_column(RECORD_ID, ids), places

    def __str__(self) -> str:
        return f"{len(self):,} records"


class Batch(msgspec.Struct, frozen=True, eq=False):
    """A claim without what the lane has already, transformed: what the suite is asked about."""

    claim: Claim
    table: pa.Table
    positions: Sequence[int]
    """Where in the claim each row of `table` stands."""
    refused: Mapping[int, str]
    """Where in the claim something is set aside before the check, and by which rule."""
    duplicates: int

    def __len__(self) -> int:
        rows: int = self.table.num_rows
        return rows

    def __str__(self) -> str:
        return f"{len(self):,} rows"


def make_claim(stream: Stream, taken: Taken, before: Offsets, known: dict[str, str], now: datetime) -> Claim:
    """Return what was taken as rows with ids. Raises SourceUnordered."""
    rows = parse(taken.records, known)
    refused = {at: f"schema: {reason}" for at, reason in rows.misfits.items()}
    ids = [""] * len(taken.records)
    for at, record_id in zip(rows.positions, record_ids(stream, rows.table), strict=True):
        if record_id is None:
            refused[at] = f"key: {' or '.join(stream.key)} is missing"
        else:
            ids[at] = record_id
    for at in refused:
        ids[at] = raw_id(stream, taken.records[at])
    cursor = cursor_column(stream.source.cursor, rows.table)
    if len(rows.table) < len(taken.records):
        cursor = _spread(cursor, rows.positions, len(taken.records))
    return Claim(
        records=taken.records, table=rows.table, positions=rows.positions, ids=ids, refused=refused, cursor=cursor,
        schema=rows.schema, offsets=_advance(stream.source.cursor, taken, before, bounds(cursor)),
        window=taken.window.label, received_at=now,
    )  # fmt: skip


def _spread(values: pa.Array, positions: Sequence[int], count: int) -> pa.Array:
    """Return `values` at their `positions` among `count` places, null elsewhere."""
    where: list[int | None] = [None] * count
    for row, at in enumerate(positions):
        where[at] = row
    return values.take(pa.array(where, pa.int64()))


def _advance(spec: Cursor | None, taken: Taken, before: Offsets, seen: CursorRange | None) -> Offsets:
    """Return how far the lane has come after a claim. The cursor moves when the window is read, never before."""
    if spec is None:
        return Offsets(window=taken.window, position=taken.position) if taken.position else Offsets()
    highest = before.window.greatest if before.window and not taken.begins else None
    if seen is not None:
        if spec.ordered and highest is not None and seen[0] < highest:  # type: ignore[operator]
            raise SourceUnordered(
                f"The source answered {spec.field} {seen[0]!r} after {highest!r}, but the stream says `ordered: true`. "
                "Set `ordered: false`; nothing of this claim was committed."
            )
        highest = seen[1] if highest is None else max(highest, seen[1])
    window = msgspec.structs.replace(taken.window, greatest=highest)
    reached = cursor_after(window, spec) if highest is not None else before.cursor
    if taken.position is None:
        return Offsets(cursor=reached)
    return Offsets(cursor=reached if spec.ordered else before.cursor, window=window, position=taken.position)


def bounds(cursor: pa.Array) -> CursorRange | None:
    """Return the least and the greatest cursor value; None if there is none."""
    if cursor.null_count == len(cursor):
        return None
    found = pc.min_max(cursor).as_py()
    return found["min"], found["max"]
