"""Knows which records a lane already has, in its data and its quarantine.

Of an API's only files whose cursor range overlaps the claim's are looked into, and those with a row without a cursor
value. Other lanes own other record ids, so they need no look.
"""

from collections.abc import Iterable, Iterator

from datastream.errors import Permanent
from datastream.lake.manifest import CursorRange, DataFile
from datastream.lake.parquet import NOT_PARQUET, record_ids
from datastream.lake.store import Store


class FileMissing(Permanent):
    """The log names a file that is not there, or cannot be read."""


class KnownIds:
    """The record ids of one lane, read from the lake as they are needed and kept for the run."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: set[str] = set()
        self._ids: set[str] = set()

    def among(self, files: Iterable[DataFile]) -> set[str]:
        """Return at least all ids that stand in `files`."""
        for file in files:
            if file.key not in self._read:
                self._ids.update(self._read_ids(file))
                self._read.add(file.key)
        return self._ids

    def add(self, files: Iterable[DataFile], ids: Iterable[str]) -> None:
        """Know the ids of a commit that was just made, so that its files need not be read."""
        self._read.update(file.key for file in files)
        self._ids.update(ids)

    def _read_ids(self, file: DataFile) -> list[str]:
        data = self._store.read(file.key)
        if data is None:
            raise FileMissing(
                f"{file.key} is named by the log and is not on the lake. Restore it from a backup: without it a record "
                "could be loaded twice, so nothing more is committed."
            )
        try:
            ids: list[str] = record_ids(data).to_pylist()
        except NOT_PARQUET as error:
            raise FileMissing(
                f"{file.key} cannot be read: {error}. Restore it from a backup: without it a record could be loaded "
                "twice, so nothing more is committed."
            ) from error
        return ids


def overlapping(files: Iterable[DataFile], cursor: CursorRange | None) -> Iterator[DataFile]:
    """Yield the files that may hold a record whose cursor lies in the range, or that has none."""
    return (file for file in files if _overlap(file.cursor, cursor))


def _overlap(file: CursorRange | None, claim: CursorRange | None) -> bool:
    if file is None:
        return True
    if claim is None:
        return False
    # JSON keeps no type but the values': a lane whose cursor changed its kind is looked into as a whole.
    if type(file[0]) is not type(claim[0]):
        return True
    return file[0] <= claim[1] and claim[0] <= file[1]  # type: ignore[operator]
