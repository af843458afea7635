"""Knows which records a lane already has, in its data and its quarantine.

Only files whose cursor range overlaps the claim's are looked into, and those with a row without a cursor value;
what was looked into is kept for the run. Other lanes own other record ids, so they need no look.
"""

from collections.abc import Iterable

from datastream.errors import Permanent
from datastream.lake.manifest import CursorRange, DataFile, Manifest
from datastream.lake.parquet import record_ids
from datastream.lake.store import Store


class FileMissing(Permanent):
    """The log names a file that is not there."""


class KnownIds:
    """The record ids of one lane, read from the lake as they are needed."""

    def __init__(self, store: Store, commits: Iterable[Manifest]) -> None:
        self._store = store
        self._unread = [file for commit in commits for file in commit.all_files]
        self._ids: set[str] = set()

    def among(self, cursor: CursorRange | None) -> set[str]:
        """Return at least all known ids of records whose cursor lies in the range, or that have none."""
        wanted = [file for file in self._unread if _overlap(file.cursor, cursor)]
        if wanted:
            for file in wanted:
                self._ids.update(self._read(file))
            read = {file.key for file in wanted}
            self._unread = [file for file in self._unread if file.key not in read]
        return self._ids

    def add(self, ids: Iterable[str]) -> None:
        """Know the ids of a commit that was just made."""
        self._ids.update(ids)

    def _read(self, file: DataFile) -> list[str]:
        data = self._store.read(file.key)
        if data is None:
            raise FileMissing(
                f"{file.key} is named by the log and is not on the lake. Restore it from a backup: without it a record "
                "could be loaded twice, so nothing more is committed."
            )
        ids: list[str] = record_ids(data).to_pylist()
        return ids


def _overlap(file: CursorRange | None, claim: CursorRange | None) -> bool:
    if file is None:
        return True
    if claim is None:
        return False
    # JSON keeps no type but the values': a lane whose cursor changed its kind is looked into as a whole.
    if type(file[0]) is not type(claim[0]):
        return True
    return file[0] <= claim[1] and claim[0] <= file[1]  # type: ignore[operator]
