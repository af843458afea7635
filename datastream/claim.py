"""The values that the story hands from step to step: a Claim as it was taken, a Batch as it is checked.

They are structs and not dataclasses, because Prefect walks through a task's dataclasses, row by row.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from datastream.collisions import Collisions
from datastream.lake.manifest import CursorRange
from datastream.records import RECORD_ID


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
    offsets: Mapping[str, Any]
    """How far the lane has come once this claim is committed, as its manifest will keep it."""
    received_at: pa.Array
    """When each of `records` came, in microseconds of UTC."""
    taken_at: datetime
    begins: bool = False
    """It begins a pass over the source. What is posted is none."""
    closes: bool = False
    """With it the pass is whole."""

    def __len__(self) -> int:
        return len(self.records)

    def rows(self, wanted: AbstractSet[int] | None) -> tuple[pa.Table, Sequence[int]]:
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
    columns: dict[str, str] = {}
    """The columns of the stream's files once this is committed."""
    collisions: Collisions = Collisions()

    def __len__(self) -> int:
        rows: int = self.table.num_rows
        return rows

    def __str__(self) -> str:
        return f"{len(self):,} rows"


def bounds(cursor: pa.Array) -> CursorRange | None:
    """Return the least and the greatest cursor value; None if there is none."""
    if cursor.null_count == len(cursor):
        return None
    found = pc.min_max(cursor).as_py()
    return found["min"], found["max"]
