"""Reads what is committed, by the log: commits, their rows, and what was set aside. SQL lives in `sql`."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from heapq import merge
from itertools import takewhile
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from datastream.lake import layout
from datastream.lake.live import live
from datastream.lake.log import Log
from datastream.lake.manifest import DataFile, Manifest
from datastream.lake.parquet import FileBroken, opened, rows, schema, table
from datastream.lake.returned import replayed_ids
from datastream.lake.rewrite import rewrites
from datastream.lake.sql import QueryFailed, connect, query
from datastream.lake.standing import counting
from datastream.lake.store import Store
from datastream.records import COMMIT, RECORD_ID, RULES

__all__ = ["FileBroken", "QueryFailed", "commits", "committed_rows", "committed_schema", "connect", "counting_first",
           "counting_since", "glob", "lanes", "newest_first", "quarantined", "query", "set_aside",
           "streams"]  # fmt: skip
_READING_THREADS = 8


def streams(store: Store) -> list[str]:
    """Return the names of all streams that have a commit."""
    return store.folders(layout.LOGS)


def lanes(store: Store, stream: str) -> list[str]:
    """Return the lanes of a stream that have a commit."""
    return store.folders(layout.log_of(stream))


def commits(store: Store, stream: str) -> Iterator[Manifest]:
    """Yield every commit of a stream, lane by lane, in order."""
    for lane in lanes(store, stream):
        yield from Log(store, stream, lane).manifests()


def newest_first(store: Store, stream: str, of: Sequence[str] | None = None) -> Iterator[Manifest]:
    """Yield every commit of a stream, or `of` some lanes, from the newest back, by the time it was decided.

    Few are read ahead.
    """
    logs = (Log(store, stream, lane).newest_first() for lane in (lanes(store, stream) if of is None else of))
    return merge(*logs, key=lambda commit: commit.header.decided_at, reverse=True)


def counting_first(store: Store, stream: str) -> Iterator[Manifest]:
    """Yield the commits of a stream that count, from the newest back, by the time they were decided."""
    newest = (Log(store, stream, lane).newest() for lane in lanes(store, stream))
    logs = (_counting(Log(store, stream, lane)) for lane in counting(commit.header for commit in newest if commit))
    return merge(*logs, key=lambda commit: commit.header.decided_at, reverse=True)


def counting_since(store: Store, stream: str, moment: datetime | None) -> Iterator[Manifest]:
    """Yield those of them that were decided since a moment; None stands for all time."""
    return takewhile(
        lambda commit: moment is None or commit.header.decided_at >= moment, counting_first(store, stream)
    )  # fmt: skip


def _counting(log: Log) -> Iterator[Manifest]:
    counts: range | None = None
    for commit in log.newest_first():
        counts = commit.header.counts if counts is None else counts
        if commit.header.seq < counts.start:
            return
        if commit.header.seq in counts:
            yield commit


def committed_rows(store: Store, commit: str, files: Sequence[DataFile]) -> pa.Table:
    """Return the rows of a commit from the files that hold them, in their order. Raises FileBroken."""

    def rows_of(data: bytes) -> pa.Table:
        found = table(data)
        return found.filter(pc.equal(found[COMMIT], commit))  # a file that was rewritten holds those of others too

    with ThreadPoolExecutor(_READING_THREADS, thread_name_prefix="read") as threads:
        found = threads.map(lambda file: opened(store, commit, file, rows_of), files)
        return pa.concat_tables(found, promote_options="permissive")


def committed_schema(store: Store, commit: str, files: Sequence[DataFile]) -> pa.Schema:
    """Return the columns and types of a commit, which all its files share. Raises FileBroken."""
    return opened(store, commit, files[0], schema)


def quarantined(
    store: Store, stream: str, rule: str | None, limit: int, commit: str | None = None
) -> list[dict[str, Any]]:
    """Return rows that lie in quarantine, newest commit first: at most `limit`, of one rule and commit if given."""
    found: list[dict[str, Any]] = []
    now = live(store, stream)
    gone = set(replayed_ids(store, now).to_pylist())
    for held in sorted(now.quarantine, key=lambda held: held.decided[1], reverse=True):
        if commit is not None and commit not in held.commits:
            continue
        set_aside = [row for row in opened(store, held.commits[-1], held.file, rows) if row[RECORD_ID] not in gone]
        set_aside = [row for row in set_aside if commit is None or row[COMMIT] == commit]
        found += [row for row in set_aside if rule is None or rule in row[RULES]]
        if len(found) >= limit:
            break
    return found[:limit]


def set_aside(store: Store, stream: str) -> Mapping[str, int]:
    """Return how many rows lie in quarantine by rule; a row that broke two counts for both."""
    now = live(store, stream)
    if not now.gone.quarantined:
        return now.set_aside
    sums: Counter[str] = Counter()
    gone = pa.array(replayed_ids(store, now).to_pylist(), pa.string())
    for held in now.quarantine:
        aside = opened(store, held.commits[-1], held.file, table)
        left = aside.filter(pc.invert(pc.is_in(aside[RECORD_ID], gone)))
        sums.update(pc.list_flatten(left[RULES]).to_pylist())
    return sums


def glob(store: Store, stream: str) -> str | None:
    """Return the pattern under which any engine finds a stream's data without asking the log.

    None where files were rewritten, or a snapshot takes another's place: then only the log knows which of them count.
    """
    newest = (Log(store, stream, lane).newest() for lane in lanes(store, stream))
    if rewrites(store, stream) or any(commit.header.snapshot for commit in newest if commit):
        return None
    return store.address(f"{layout.data_folder(stream)}**/*.parquet")
