"""Reads what is committed: files by the log, or by SQL with one view a stream."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from heapq import merge
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from datastream.errors import Permanent
from datastream.lake import layout
from datastream.lake.log import Log
from datastream.lake.manifest import DataFile, Manifest
from datastream.lake.parquet import NOT_PARQUET, rows, schema, table
from datastream.lake.store import Store
from datastream.records import RULES

if TYPE_CHECKING:
    import duckdb

    from datastream.lake.files import LakeFiles

T = TypeVar("T")
_READING_THREADS = 8
_Made = Mapping[str, Sequence[Manifest]]


class FileBroken(Permanent):
    """A committed file cannot be read."""


class QueryFailed(Permanent):
    """DuckDB could not answer."""


def streams(store: Store) -> list[str]:
    """Return the names of all streams that have a commit."""
    return store.folders("_log/")


def lanes(store: Store, stream: str) -> list[str]:
    """Return the lanes of a stream that have a commit."""
    return store.folders(layout.log_of(stream))


def commits(store: Store, stream: str) -> Iterator[Manifest]:
    """Yield every commit of a stream, lane by lane, in order."""
    for lane in lanes(store, stream):
        yield from Log(store, stream, lane).manifests()


def newest_first(store: Store, stream: str) -> Iterator[Manifest]:
    """Yield every commit of a stream from the newest back, by the time it was decided. Few are read ahead."""
    logs = (Log(store, stream, lane).newest_first() for lane in lanes(store, stream))
    return merge(*logs, key=lambda commit: commit.header.decided_at, reverse=True)


def committed_rows(store: Store, commit: str, files: Sequence[DataFile]) -> pa.Table:
    """Return the rows of files of a commit, in their order. Raises FileBroken with file and commit."""
    with ThreadPoolExecutor(_READING_THREADS, thread_name_prefix="read") as threads:
        found = threads.map(lambda file: _opened(store, commit, file, table), files)
        return pa.concat_tables(found, promote_options="default")


def committed_schema(store: Store, commit: str, files: Sequence[DataFile]) -> pa.Schema:
    """Return the columns and types of a commit, which all its files share. Raises FileBroken."""
    return _opened(store, commit, files[0], schema)


def _opened(store: Store, commit: str, file: DataFile, read: Callable[[bytes], T]) -> T:
    data = store.read(file.key)
    if data is None:
        raise FileBroken(f"{file.key} of commit {commit} is missing. Restore it from a backup of the lake.")
    try:
        return read(data)
    except NOT_PARQUET as error:
        raise FileBroken(
            f"{file.key} of commit {commit} is broken: {error}. Restore it from a backup of the lake."
        ) from error


def connect(store: Store) -> "duckdb.DuckDBPyConnection":
    """Return DuckDB with the views `{stream}` and `{stream}_quarantine` over committed files only.

    It downloads nothing. Whoever asks may also read and write other files, as in any DuckDB of their own.
    """
    made = _commits_by_stream(store)
    connection = _duckdb(_files(store, made))
    _make_views(connection, store, made)
    return connection


def _commits_by_stream(store: Store) -> _Made:
    return {stream: list(commits(store, stream)) for stream in streams(store)}


def _files(store: Store, made: _Made) -> "LakeFiles | None":
    """Return what DuckDB reads through; where the lake is a folder, it reads by itself."""
    from datastream.lake.files import LakeFiles

    if "://" not in store.address(""):
        return None
    return LakeFiles(store, {file.key: file.bytes for found in made.values() for c in found for file in c.all_files})


def _duckdb(files: "LakeFiles | None") -> "duckdb.DuckDBPyConnection":
    import duckdb

    connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    if files is not None:
        connection.register_filesystem(files)
    connection.execute("set timezone = 'UTC'")
    return connection


def _make_views(connection: "duckdb.DuckDBPyConnection", store: Store, made: _Made) -> None:
    for stream, found in made.items():
        _view(connection, store, stream, [file.key for commit in found for file in commit.files])
        _view(connection, store, f"{stream}_quarantine", [c.quarantine.key for c in found if c.quarantine])


def _view(connection: "duckdb.DuckDBPyConnection", store: Store, name: str, keys: list[str]) -> None:
    if not keys:
        return
    files = ", ".join("'" + store.address(key).replace("'", "''") + "'" for key in keys)
    source = f"read_parquet([{files}], union_by_name = true, hive_partitioning = false)"
    quoted = name.replace('"', '""')
    connection.execute(f'create or replace view "{quoted}" as select * from {source}')


def query(store: Store, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the columns and rows of the answer to `sql`. Raises QueryFailed with DuckDB's reason and the views."""
    import duckdb

    made = _commits_by_stream(store)
    files = _files(store, made)
    connection = _duckdb(files)
    try:
        _make_views(connection, store, made)
        answer = connection.sql(sql)
        return (answer.columns, answer.fetchall()) if answer is not None else ([], [])
    except duckdb.Error as error:
        if files is not None and files.failure is not None:
            raise files.failure from error
        known = [
            row[0] for row in connection.execute("select view_name from duckdb_views() where not internal").fetchall()
        ]
        raise QueryFailed(f"{error}\nTables to ask: {', '.join(known) or 'none yet; run a flow first'}.") from error


def quarantined(store: Store, stream: str, rule: str | None, limit: int) -> list[dict[str, Any]]:
    """Return rows that were set aside, newest commit first: at most `limit`, of one rule if it is given."""
    found: list[dict[str, Any]] = []
    for commit in reversed(list(commits(store, stream))):
        set_aside = _rows(store, commit.quarantine.key) if commit.quarantine else []
        found += [row for row in set_aside if rule is None or rule in row[RULES]]
        if len(found) >= limit:
            break
    return found[:limit]


def _rows(store: Store, key: str) -> list[dict[str, Any]]:
    data = store.read(key)
    try:
        return rows(data or b"")
    except NOT_PARQUET as error:
        raise FileBroken(f"{key} is missing or broken: {error}. Restore it from a backup of the lake.") from error


def glob(store: Store, stream: str) -> str:
    """Return the pattern under which any engine finds a stream's data without asking the log."""
    return store.address(f"{layout.data_folder(stream)}**/*.parquet")
