"""Shows a store to DuckDB as a file system: each object is read whole, by one request, when it is first looked into.

DuckDB asks about a file some seventeen times a query. What it asks is answered from the log, since a committed file
never changes; through fsspec's own client for S3 each question would be a request, and none would be tried again.
"""

import io
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from fsspec import AbstractFileSystem

from datastream.errors import DatastreamError, Permanent
from datastream.lake.store import Store

_UNCHANGED = datetime(2000, 1, 1, tzinfo=UTC)


class FileUnreadable(Permanent):
    """DuckDB was asked for something that files of a lake do not do."""


class LakeFiles(AbstractFileSystem):  # type: ignore[misc]
    """The objects of a store by their addresses. `sizes` are those that the log knows, by key.

    DuckDB makes a traceback of what is raised here; `failure` keeps the error itself.
    """

    cachable = False

    def __init__(self, store: Store, sizes: Mapping[str, int]) -> None:
        super().__init__()
        self._store, self._sizes, self._root = store, sizes, store.address("")
        self.protocol = self._root.partition("://")[0]
        self.failure: DatastreamError | None = None

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Return what is known of a file. Raises FileNotFoundError."""
        size = self._sizes.get(self._key(path))
        if size is None and (data := self._load(path)) is not None:
            size = len(data)
        if size is None:
            raise FileNotFoundError(path)
        return {"name": path, "type": "file", "size": size}

    def modified(self, path: str) -> datetime:  # noqa: ARG002 - fsspec's signature
        """Return a time that never changes, as the file does not."""
        return _UNCHANGED

    def find(self, path: str, **_: Any) -> dict[str, Any]:
        """Return the files below a folder, for patterns."""
        addresses = map(self._store.address, self._store.keys(self._key(path).rstrip("/") + "/"))
        return {address: self.info(address) for address in addresses}

    def open(self, path: str, mode: str = "rb", **_: Any) -> io.RawIOBase:
        """Return a file to be read. Raises FileUnreadable for another mode, and FileNotFoundError."""
        if mode != "rb":
            raise self._failed(FileUnreadable(f"{path} lies on the lake, where SQL only reads. Write to a local file."))
        return _File(lambda: self._read(path), self.info(path)["size"])

    def _read(self, path: str) -> bytes:
        data = self._load(path)
        if data is None:
            raise self._failed(FileUnreadable(f"{path} is missing. Restore it from a backup of the lake."))
        return data

    def _load(self, path: str) -> bytes | None:
        try:
            return self._store.read(self._key(path))
        except DatastreamError as error:
            self._failed(error)
            raise

    def _failed(self, error: DatastreamError) -> DatastreamError:
        self.failure = error
        return error

    def _key(self, path: str) -> str:
        return path.removeprefix(self._root)


class _File(io.RawIOBase):
    """One file, loaded when it is first read."""

    def __init__(self, load: Callable[[], bytes], size: int) -> None:
        self._load, self._size, self._at = load, size, 0
        self._data: bytes | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        self._data = self._load() if self._data is None else self._data
        part = self._data[self._at : self._at + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)
