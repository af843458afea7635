"""Puts small files together: their rows in one order, by columns that hold every value of each file as it was.

Files whose types no column holds without loss stay apart. One file is read at a time, and what is written is let go as
soon as it is large enough, so memory is bounded by the target and not by the partition.
"""

import io
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from datastream.catalog import Compact
from datastream.lake.parquet import opened, schema, table
from datastream.lake.rewrite import Held
from datastream.lake.store import Store
from datastream.lake.upkeep.widen import widened

_GROUP_ROWS = 65_536
_GROUP_BYTES = 32 * 1024 * 1024
"""Of a row group: rows wait for each other until they are so many."""

Write = Callable[[bytes, int, Sequence[Held]], Held]
"""Writes one file, given its bytes, its rows and the files that they come from."""


def alike(store: Store, files: Sequence[Held]) -> Iterator[tuple[list[Held], pa.Schema]]:
    """Yield runs of files that go together, in their order, each with the columns that hold them all."""
    run: list[Held] = []
    columns = pa.schema([])
    for held in files:
        found = opened(store, str(held.commits[0]), held.file, schema).remove_metadata()
        wider = widened(columns, found) if run else found
        if wider is None:
            yield run, columns
            run, wider = [], found
        run.append(held)
        columns = wider
    if run:
        yield run, columns


class Joined:
    """One run of files while it becomes fewer, larger ones."""

    def __init__(self, columns: pa.Schema, policy: Compact, write: Write) -> None:
        self._columns, self._policy, self._write = columns, policy, write
        self._pending: list[pa.Table] = []
        self._sources: dict[str, Held] = {}
        self._begin()
        self.made: list[Held] = []

    def add(self, held: Held, rows: pa.Table) -> None:
        """Add the rows of one file."""
        rows = _as(rows, self._columns)
        while rows.num_rows:
            room = self._room()
            self._sources[held.key] = held
            self._pending.append(rows.slice(0, room))
            self._rows += min(room, rows.num_rows)
            rows = rows.slice(room)
            if self._pending_is_large():
                self._flush()
            if self._is_full():
                self.close()

    def close(self) -> None:
        """Write what is left."""
        self._flush()
        self._writer.close()
        if self._rows:
            self.made.append(self._write(self._sink.getvalue(), self._rows, list(self._sources.values())))
        self._sources = {}
        self._begin()

    def _begin(self) -> None:
        self._sink, self._rows = io.BytesIO(), 0
        self._writer = pq.ParquetWriter(self._sink, self._columns, compression="zstd")

    def _room(self) -> int:
        most = self._policy.target_rows
        return _GROUP_ROWS if most is None else min(_GROUP_ROWS, most - self._rows)

    def _pending_is_large(self) -> bool:
        rows = sum(int(table.num_rows) for table in self._pending)
        enough = min(_GROUP_BYTES, self._policy.target_bytes)
        return rows >= _GROUP_ROWS or sum(int(table.nbytes) for table in self._pending) >= enough

    def _is_full(self) -> bool:
        return self._sink.tell() >= self._policy.target_bytes or self._rows == self._policy.target_rows

    def _flush(self) -> None:
        if self._pending:
            group = pa.concat_tables(self._pending)
            self._writer.write_table(group, row_group_size=max(group.num_rows, 1))
        self._pending = []


def join(store: Store, run: Sequence[Held], columns: pa.Schema, policy: Compact, write: Write) -> list[Held]:
    """Write the rows of a run of files into fewer ones, and return those. Raises FileBroken."""
    joined = Joined(columns, policy, write)
    for held in run:
        joined.add(held, opened(store, str(held.commits[0]), held.file, table))
    joined.close()
    return joined.made


def _as(rows: pa.Table, columns: pa.Schema) -> pa.Table:
    found = [
        rows[field.name].cast(field.type) if field.name in rows.column_names else pa.nulls(rows.num_rows, field.type)
        for field in columns
    ]
    return pa.Table.from_arrays([pa.chunked_array(c) if isinstance(c, pa.Array) else c for c in found], schema=columns)
