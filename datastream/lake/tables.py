"""Reads a stream as one Arrow table: everything that is committed, or what was at an earlier moment."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from datastream.errors import Permanent
from datastream.lake import layout
from datastream.lake.dataset import schema_of
from datastream.lake.live import Live, live
from datastream.lake.parquet import FileBroken, opened, schema, table
from datastream.lake.past import past
from datastream.lake.rewrite import Held
from datastream.lake.standing import Standing
from datastream.lake.store import Store
from datastream.records import COMMIT

_READING_THREADS = 8


class NothingToRead(Permanent):
    """The lake holds no rows of a stream."""


class ColumnUnknown(Permanent):
    """A column was asked for that no file of the stream has."""


class TypesDiffer(Permanent):
    """Files of a stream hold a column as types that no table joins."""


def read(
    store: Store, stream: str, *, as_of: datetime | str | None = None, columns: Sequence[str] | None = None
) -> pa.Table:
    """Return the rows of a stream, each once, in the order of the commits.

    `as_of` is a time (in UTC, if it names no zone) or a commit, such as `0-000000000012`: then whole commits are
    returned that were decided by then. A column that came later is null in the rows before it. All of it is in memory.

    Raises NothingToRead, ColumnUnknown, TypesDiffer, MomentUnknown, FileBroken.
    """
    now = live(store, stream)
    try:
        return _table(store, now, as_of, columns)
    except FileBroken:
        again = live(store, stream)
        if again.next_rewrite == now.next_rewrite:  # else a record was forgotten, and its files with it
            raise
        return _table(store, again, as_of, columns)


def _table(store: Store, stream: Live, as_of: datetime | str | None, columns: Sequence[str] | None) -> pa.Table:
    there = [held for held in stream.all_files if not layout.is_quarantine(held.key)]
    if not there and not stream.has_snapshots:
        known = ", ".join(store.folders(layout.LOGS)) or "none yet"
        raise NothingToRead(f"The lake holds no rows of {stream.stream!r}. Streams with commits: {known}.")
    moment = None if as_of is None else past({stream.stream: stream}, as_of)[stream.stream]
    held = stream.data if moment is None else stream.at(moment).data
    with ThreadPoolExecutor(_READING_THREADS, thread_name_prefix="read") as threads:
        found = list(threads.map(lambda each: _rows(store, each, moment, columns), held))
    if not found:
        kept = (
            opened(store, there[-1].commits[-1], there[-1].file, schema) if there else schema_of(store, stream.stream)
        )
        found = [kept.remove_metadata().empty_table()]
    return _joined(stream.stream, found, columns)


def _rows(store: Store, held: Held, moment: Standing | None, columns: Sequence[str] | None) -> pa.Table:
    """Return the rows of a file that were there, with those of the wanted columns that it has."""
    rows = opened(store, held.commits[-1], held.file, table).replace_schema_metadata()
    if moment is not None and not all(moment.has(commit) for commit in held.commits):
        there = [commit for commit in pc.unique(rows[COMMIT]).to_pylist() if moment.has(commit)]
        rows = rows.filter(pc.is_in(rows[COMMIT], pa.array(there, pa.string())))
    return rows if columns is None else rows.select([name for name in columns if name in rows.column_names])


def _joined(stream: str, found: list[pa.Table], columns: Sequence[str] | None) -> pa.Table:
    try:
        whole = pa.concat_tables(found, promote_options="permissive")
    except pa.ArrowException as error:
        raise TypesDiffer(
            f"The files of {stream!r} hold a column as different types: {error}. Read it with `columns`, without that "
            "one, or by SQL."
        ) from error
    if columns is None:
        return whole
    unknown = [name for name in columns if name not in whole.column_names]
    if unknown:
        raise ColumnUnknown(f"No file of {stream!r} that was asked has the column {unknown[0]!r}.")
    return whole.select(list(columns))
