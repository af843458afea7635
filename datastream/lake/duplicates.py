"""Knows which records a stream already has, in its data and its quarantine: those of files that may hold them.

What was read is kept for the run, up to a number of ids; what had to be forgotten is read again when it is asked for.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from datastream.errors import Permanent
from datastream.lake.index import overlap
from datastream.lake.manifest import CursorRange, DataFile
from datastream.lake.parquet import NOT_PARQUET, record_ids
from datastream.lake.store import Store

_MOST_IDS = 400_000
"""Some 130 bytes each."""
_READING_THREADS = 8


class FileMissing(Permanent):
    """The log names a file that is not there, or cannot be read."""


class KnownIds:
    """Record ids by the file they stand in, read from the lake as they are needed."""

    def __init__(self, store: Store, most: int = _MOST_IDS) -> None:
        self._store, self._most = store, most
        self._groups: dict[int, pa.ChunkedArray | frozenset[str]] = {}
        """As Arrow until somebody asks: most are never asked for."""
        self._group_of: dict[str, int] = {}
        """File to group: those of one commit are one group."""
        self._next = 0

    def among(self, files: Iterable[DataFile], wanted: AbstractSet[str]) -> set[str]:
        """Return those of the wanted ids that stand in the files, and perhaps some that stand in others."""
        named = {file.key: file for file in files}
        there = {self._group_of[key] for key in named if self._group_of.get(key) in self._groups}
        unread = [file for key, file in named.items() if self._group_of.get(key) not in there]
        found: set[str] = set()
        for group in there:
            found |= self._ids(group) & wanted
        with ThreadPoolExecutor(_READING_THREADS, thread_name_prefix="ids") as threads:
            for file, ids in zip(unread, threads.map(self._read_ids, unread), strict=True):
                self._keep([file.key], ids)
                found |= self._ids(self._next) & wanted
        return found

    def add(self, files: Iterable[DataFile], ids: pa.ChunkedArray) -> None:
        """Know the ids of a commit that was just made, so that its files need not be read."""
        self._keep([file.key for file in files], ids)

    def _ids(self, group: int) -> frozenset[str]:
        held = self._groups[group]
        if not isinstance(held, frozenset):
            held = self._groups[group] = frozenset(held.to_pylist())
        return held

    def _keep(self, keys: list[str], ids: pa.ChunkedArray) -> None:
        self._next += 1
        self._groups[self._next] = ids
        self._group_of.update(dict.fromkeys(keys, self._next))
        while sum(map(len, self._groups.values())) > self._most and len(self._groups) > 1:
            del self._groups[next(iter(self._groups))]

    def _read_ids(self, file: DataFile) -> pa.ChunkedArray:
        data = self._store.read(file.key)
        if data is None:
            raise FileMissing(
                f"{file.key} is named by the log and is not on the lake. Restore it from a backup: without it a record "
                "could be loaded twice, so nothing more is committed."
            )
        try:
            return record_ids(data)
        except NOT_PARQUET as error:
            raise FileMissing(
                f"{file.key} cannot be read: {error}. Restore it from a backup: without it a record could be loaded "
                "twice, so nothing more is committed."
            ) from error


def overlapping(files: Iterable[DataFile], cursor: CursorRange | None) -> Iterator[DataFile]:
    """Yield the files that may hold a record whose cursor lies in the range, and those where a row has none."""
    return (file for file in files if file.cursor is None or overlap(file.cursor, cursor))
