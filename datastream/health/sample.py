"""A bounded sample of what is new: the newest rows, of the wanted columns."""

import io
from collections.abc import Callable, Sequence
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datastream.catalog import Stream
from datastream.catalog.types import parse_type, text_of
from datastream.health.news import SAMPLE_FILES, SAMPLE_ROWS, News
from datastream.lake.manifest import DataFile, Manifest
from datastream.lake.parquet import FileBroken, opened, schema
from datastream.lake.rewrite import Whereabouts
from datastream.lake.store import Store
from datastream.quality.profiles import MOST_COLUMNS
from datastream.records import COMMIT, OWN_COLUMNS

T = TypeVar("T")


def sampled(stream: Stream, store: Store, new: News) -> pa.Table | None:
    """Return a sample of what is new, of the columns that a stream's file asks about. None where there is none."""
    wanted = stream.quality
    if wanted.profile is None:
        return sample(store, stream.name, new.recent, None)
    columns = [*wanted.profile, *(reference.column for reference in wanted.references)]
    return sample(store, stream.name, new.recent, columns) if columns else None


def sample(store: Store, stream: str, commits: Sequence[Manifest], wanted: Sequence[str] | None) -> pa.Table | None:
    """Return the newest rows of some commits, of the columns that are wanted, or of the first two hundred.

    Rows from before a column became one of another type are left out. None where there is none. Raises FileBroken.
    """
    found, shape = list[pa.Table](), pa.schema([])
    left, where = SAMPLE_ROWS, Whereabouts(store, stream)
    files = [(commit, file) for commit in reversed(commits) for file in reversed(commit.files)]
    for commit, file in files[:SAMPLE_FILES]:
        if left <= 0:
            break
        for rows in _opened(store, commit, file, where, lambda data: _columns(data, wanted)):
            own = rows.filter(pc.equal(rows[COMMIT], str(commit))).drop_columns([COMMIT])
            try:
                shape = pa.unify_schemas([shape, own.schema], promote_options="permissive")
            except (pa.ArrowTypeError, pa.ArrowInvalid):  # nothing is both
                left = 0
                break
            found.append(own.slice(max(0, own.num_rows - left)))
            left -= own.num_rows
    return pa.concat_tables(found, promote_options="permissive") if found else None


def columns_of(store: Store, stream: str, commit: Manifest) -> dict[str, str]:
    """Return the columns that a commit's rows have, and their types. None, if they have left the lake.

    Raises FileBroken.
    """
    found = _opened(store, commit, commit.files[0], Whereabouts(store, stream), schema)
    there = {field.name: field.type for footer in found[:1] for field in footer}
    # A file that was put together with others has columns and types that came after the commit; the log knows its own.
    own = {name: parse_type(kind) for name, kind in commit.header.columns.items()} or there
    return {name: text_of(kind) for name, kind in own.items() if name in there and name not in OWN_COLUMNS}


def _opened(store: Store, commit: Manifest, file: DataFile, where: Whereabouts, read: Callable[[bytes], T]) -> list[T]:
    """Return what is read of a file, or of those that hold its rows today: of none, where they have left the lake.

    All rewrites are read for it only where the file itself is gone.
    """
    try:
        return [opened(store, str(commit), file, read)]
    except FileBroken:
        moved = where.of([file])
        if moved == [file]:
            raise
        return [opened(store, str(commit), at, read) for at in moved]


def _columns(data: bytes, wanted: Sequence[str] | None) -> pa.Table:
    with pq.ParquetFile(io.BytesIO(data)) as file:
        there = [name for name in file.schema_arrow.names if name not in OWN_COLUMNS]
        names = there[:MOST_COLUMNS] if wanted is None else [name for name in there if name in wanted]
        return file.read(columns=[*names, COMMIT], use_threads=False)
