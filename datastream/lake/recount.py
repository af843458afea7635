"""Counts the rows of files anew, and finds a record that stands twice. Ids stay in Arrow: a million take a second."""

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.compute as pc

from datastream.lake import layout
from datastream.lake.parquet import NOT_PARQUET, record_ids
from datastream.lake.rewrite import Held
from datastream.lake.store import Store

_READING_THREADS = 4
"""Each may hold a file of a hundred megabytes or more."""
_NO_IDS = pa.chunked_array([], pa.string())


class Recount:
    """What the files hold, and what is wrong with them, each with its commit."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ids: list[tuple[Held, pa.ChunkedArray]] = []
        self.problems: list[str] = []

    def rows(self, files: Sequence[Held]) -> int:
        """Return how many rows the files hold."""
        counted = 0
        with ThreadPoolExecutor(_READING_THREADS, thread_name_prefix="verify") as threads:
            for held, (ids, problems) in zip(files, threads.map(self._look, files), strict=True):
                self.problems += problems
                self._ids.append((held, ids))
                counted += len(ids)
        return counted

    def doubles(self, replayed: pa.ChunkedArray) -> list[str]:
        """Return the files that hold records which stand elsewhere too, of all that were counted.

        Those that were `replayed` stand in the file that set them aside as well, where they do not count any more.
        """
        if len(replayed):
            self._ids = [(held, _left(held, ids, replayed)) for held, ids in self._ids]
        ids = pa.chunked_array((chunk for _, found in self._ids for chunk in found.chunks), pa.string())
        if pc.count_distinct(ids, mode="all").as_py() == len(ids):
            return []
        counts = pc.value_counts(ids)
        twice = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
        return list(self._named(twice))

    def _named(self, twice: pa.Array) -> Iterable[str]:
        seen: set[str] = set()
        for held, ids in self._ids:
            these = ids.filter(pc.is_in(ids, twice)).to_pylist()
            new = set(these) - seen
            if len(new) < len(these):
                number = len(these) - len(new)
                yield f"{held.key} holds {number:,} records that stand elsewhere too ({name(held)})."
            seen |= new

    def _look(self, held: Held) -> tuple[pa.ChunkedArray, list[str]]:
        file, whose = held.file, name(held)
        data = self._store.read(file.key)
        if data is None:
            return _NO_IDS, [f"{file.key} is named by the log and is missing ({whose})."]
        problems = []
        if hashlib.sha256(data).hexdigest() != file.sha256:
            problems.append(f"{file.key} is not the file that was committed: its sha256 differs ({whose}).")
        try:
            ids = record_ids(data)
        except NOT_PARQUET as error:
            return _NO_IDS, [*problems, f"{file.key} cannot be read as Parquet: {error} ({whose})"]
        if len(ids) != file.rows:
            problems.append(f"{file.key} has {len(ids):,} rows; the log says {file.rows:,} ({whose}).")
        return ids, problems


def _left(held: Held, ids: pa.ChunkedArray, replayed: pa.ChunkedArray) -> pa.ChunkedArray:
    if not layout.is_quarantine(held.key):
        return ids
    return ids.filter(pc.invert(pc.is_in(ids, pa.array(replayed.to_pylist(), pa.string()))))


def name(held: Held) -> str:
    """Return the commits of a file, for people."""
    first, *more = held.commits
    return f"commits {first} to {more[-1]}" if more else f"commit {first}"
