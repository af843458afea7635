"""Puts small files together: their rows in one order, in the columns that the stream's lanes agreed on.

A column that the agreed schema does not name, or has no place for without changing a value, stays as it is, and its
file goes together with such files alone. Each file is read once, one at a time, and what is written is let go as soon
as it is large enough, so memory is bounded by the target and not by the partition.
"""

import io
from collections.abc import Iterable, Iterator
from itertools import groupby

import pyarrow as pa
import pyarrow.parquet as pq

from datastream.catalog import Compact
from datastream.columns import as_type
from datastream.lake.parquet import opened, table
from datastream.lake.rewrite import Held, Swap
from datastream.lake.store import Store
from datastream.lake.upkeep.attempt import Attempt

_GROUP_ROWS = 65_536
_GROUP_BYTES = 32 * 1024 * 1024
"""Of a row group: rows wait for each other until they are so many."""


def join(store: Store, files: Iterable[Held], agreed: pa.Schema, policy: Compact, attempt: Attempt) -> Iterator[Swap]:
    """Yield what takes the place of files that follow each other and go together, run by run. Raises FileBroken.

    A file that goes together with neither neighbour is left as it is.
    """
    found = ((held, _as(opened(store, str(held.commits[0]), held.file, table), agreed)) for held in files)
    for columns, run in groupby(found, key=lambda each: each[1].schema):
        joined = Joined(columns, policy, attempt)
        for held, rows in run:
            joined.add(held, rows)
        swap = joined.close()
        if swap is not None:
            yield swap


class Joined:
    """One run of files while it becomes fewer, larger ones."""

    def __init__(self, columns: pa.Schema, policy: Compact, attempt: Attempt) -> None:
        self._columns, self._policy, self._attempt = columns.with_metadata(attempt.origin), policy, attempt
        self._removes: list[str] = []
        self._adds: list[Held] = []
        self._wait()
        self._begin()

    def add(self, held: Held, rows: pa.Table) -> None:
        """Add the rows of one file."""
        self._removes.append(held.key)
        while rows.num_rows:
            part = rows.slice(0, self._room())
            rows = rows.slice(part.num_rows)
            self._sources[held.key] = held
            self._rows += part.num_rows
            self._pending.append(part)
            self._pending_rows += part.num_rows
            self._pending_bytes += part.nbytes
            if self._pending_is_large():
                self._flush()
            if self._is_full():
                self._end()

    def close(self) -> Swap | None:
        """Write what is left, and return what was done. None if it was one small file: that is together already."""
        if len(self._removes) == 1 and not self._adds:
            return None
        self._end()
        return Swap(removes=tuple(self._removes), adds=tuple(self._adds))

    def _wait(self) -> None:
        self._pending: list[pa.Table] = []
        self._pending_rows = self._pending_bytes = 0

    def _begin(self) -> None:
        self._sink, self._rows = io.BytesIO(), 0
        self._sources: dict[str, Held] = {}
        self._writer = pq.ParquetWriter(self._sink, self._columns, compression="zstd")

    def _room(self) -> int:
        most = self._policy.target_rows
        return _GROUP_ROWS if most is None else min(_GROUP_ROWS, most - self._rows)

    def _pending_is_large(self) -> bool:
        enough = min(_GROUP_BYTES, self._policy.target_bytes)
        return self._pending_rows >= _GROUP_ROWS or self._pending_bytes >= enough

    def _is_full(self) -> bool:
        return self._sink.tell() >= self._policy.target_bytes or self._rows == self._policy.target_rows

    def _flush(self) -> None:
        if self._pending:
            group = pa.concat_tables(self._pending)
            self._writer.write_table(group, row_group_size=max(group.num_rows, 1))
        self._wait()

    def _end(self) -> None:
        self._flush()
        self._writer.close()
        if self._rows:
            self._adds.append(self._attempt.write(self._sink.getvalue(), self._rows, list(self._sources.values())))
        self._begin()


def _as(rows: pa.Table, agreed: pa.Schema) -> pa.Table:
    """Return the rows in the agreed columns, and those that have no place there as they are."""
    found = {field.name: pa.nulls(rows.num_rows, field.type) for field in agreed}
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        cast = as_type(column, found[name].type) if name in found else None
        found[name] = column if cast is None else cast
    return pa.table(found)
