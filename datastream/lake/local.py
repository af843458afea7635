"""A lake in a local folder. An object appears under its name by `link`, which fails if the name exists: no object is
ever seen in part, and of two writers one wins.

Durable means: the file is synced before it is linked, and each folder after. Temporary files lie in `_tmp`; what a
killed process left there is swept when it is an hour old.
"""

import os
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from datastream.lake.store import LakeUnusable
from datastream.observe.crash import crash_point

_TEMPORARY = "_tmp"
_ABANDONED = timedelta(hours=1)
_SYNCING_THREADS = 8
_TOGETHER = 64
"""So many files are open at once."""


class LocalStore:
    """Objects as files below one folder."""

    reads_at_once = 1

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known_folders: set[Path] = set()
        try:
            (root / _TEMPORARY).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LakeUnusable(
                f"The lake {root} cannot be written: {error.strerror}. Correct DATASTREAM_LAKE_URI or the block "
                "data-lake, or make the folder writable."
            ) from error
        self._sweep()

    def create(self, key: str, data: bytes) -> bool:
        return not self.create_all({key: data})

    def create_all(self, objects: Mapping[str, bytes]) -> set[str]:
        folders = {(self._root / key).parent for key in objects}
        try:
            self._make(folders)
        except OSError as error:
            raise LakeUnusable(
                f"{error.filename} could not be made: {error.strerror}. Mend the lake's folder."
            ) from error
        existed: set[str] = set()
        waiting = iter(objects.items())
        while some := dict(islice(waiting, _TOGETHER)):
            existed |= self._create_together(some)
        for folder in folders:
            _sync(folder)
        return existed

    def read(self, key: str) -> bytes | None:
        try:
            return (self._root / key).read_bytes()
        except FileNotFoundError:
            return None

    def keys(self, prefix: str) -> Iterator[str]:
        for folder, _, files in os.walk(self._root / prefix):
            for file in files:
                yield os.path.relpath(os.path.join(folder, file), self._root)  # noqa: PTH118 - ten times faster

    def folders(self, prefix: str) -> list[str]:
        try:
            with os.scandir(self._root / prefix) as found:
                return sorted(entry.name for entry in found if entry.is_dir() and _holds_something(entry.path))
        except FileNotFoundError:
            return []

    def delete(self, key: str) -> None:
        (self._root / key).unlink(missing_ok=True)

    def address(self, key: str) -> str:
        return str(self._root / key)

    def _create_together(self, objects: Mapping[str, bytes]) -> set[str]:
        """Write files, sync them side by side, which a disk does in one go, and give them their names."""
        fresh = [key for key in objects if not (self._root / key).exists()]
        with ExitStack() as held:
            written = [held.enter_context(self._temporary(key, objects[key])) for key in fresh]
            if len(fresh) == 1:
                self._sync_file(fresh[0], written[0])
            else:
                with ThreadPoolExecutor(_SYNCING_THREADS, thread_name_prefix="sync") as threads:
                    list(threads.map(self._sync_file, fresh, written))
            linked = {key for key, file in zip(fresh, written, strict=True) if self._link(key, file)}
        return objects.keys() - linked

    @contextmanager
    def _temporary(self, key: str, data: bytes) -> Iterator[BinaryIO]:
        """Write a file that has no name yet; it is gone at the end."""
        crash_point("file.before")
        temporary = self._root / _TEMPORARY / secrets.token_hex(16)
        try:
            with self._told(key), temporary.open("xb") as file:
                file.write(data)
                file.flush()
                yield file
        finally:
            temporary.unlink(missing_ok=True)

    def _sync_file(self, key: str, file: BinaryIO) -> None:
        with self._told(key):
            os.fsync(file.fileno())

    def _link(self, key: str, file: BinaryIO) -> bool:
        with self._told(key):
            try:
                (self._root / key).hardlink_to(file.name)
            except FileExistsError:
                return False
        crash_point("file.after")
        return True

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LakeUnusable(
                f"{self._root / key} could not be written: {error.strerror}. Nothing of it is visible; free space or "
                "mend the disk, and run again."
            ) from error

    def _make(self, folders: Iterable[Path]) -> None:
        """Make folders durable: a new one is an entry in the one above, which has to be synced."""
        for folder in folders:
            within = [folder, *folder.parents]
            unsure = [path for path in within[: within.index(self._root)] if path not in self._known_folders]
            folder.mkdir(parents=True, exist_ok=True)
            for path in unsure:  # also one that exists: who made it may have been killed before it was synced
                _sync(path.parent)
            self._known_folders.update(unsure)

    def _sweep(self) -> None:
        oldest = time.time() - _ABANDONED.total_seconds()
        for file in (self._root / _TEMPORARY).iterdir():
            try:
                if file.stat().st_mtime < oldest:
                    file.unlink()
            except FileNotFoundError:
                continue  # its writer has just finished


def _holds_something(folder: str) -> bool:
    with os.scandir(folder) as found:  # and not a list of all that is in it: that may be a long log
        return next(found, None) is not None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise LakeUnusable(
            f"{folder} could not be synced: {error.strerror}. What lies in it is whole, and counts once a run has "
            "ended well. Mend the disk, and run again."
        ) from error
    finally:
        os.close(descriptor)
