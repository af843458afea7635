"""Reads one committed file. By one thread: a file of a thousand rows is no work for more, and a process that ends while
Arrow's own threads come to rest is aborted now and then, with its work done and the wrong exit code.
"""

import io
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from datastream.errors import Permanent
from datastream.lake.manifest import DataFile
from datastream.lake.store import Store
from datastream.records import RECORD_ID

T = TypeVar("T")

NOT_PARQUET = (pa.ArrowException, OSError, UnicodeDecodeError)
"""What pyarrow raises for a file that is broken; OSError is how it names a page that cannot be unpacked."""


class FileBroken(Permanent):
    """A committed file cannot be read."""


def opened(store: Store, commit: str, file: DataFile, read: Callable[[bytes], T]) -> T:
    """Return what `read` makes of a file. Raises FileBroken with file and commit."""
    data = store.read(file.key)
    if data is None:
        raise FileBroken(f"{file.key} of commit {commit} is missing. Restore it from a backup of the lake.")
    try:
        return read(data)
    except NOT_PARQUET as error:
        raise FileBroken(
            f"{file.key} of commit {commit} is broken: {error}. Restore it from a backup of the lake."
        ) from error


def record_ids(data: bytes) -> pa.ChunkedArray:
    """Return the record ids in a file, in its order. Raises NOT_PARQUET."""
    with pq.ParquetFile(io.BytesIO(data)) as file:
        if RECORD_ID not in file.schema_arrow.names:
            raise pa.ArrowInvalid(f"it has no column {RECORD_ID}")
        return file.read(columns=[RECORD_ID], use_threads=False)[RECORD_ID]


def rows(data: bytes) -> list[dict[str, Any]]:
    """Return the rows of a file. Raises NOT_PARQUET."""
    found: list[dict[str, Any]] = table(data).to_pylist()
    return found


def table(data: bytes) -> pa.Table:
    """Return a file as a table. Raises NOT_PARQUET."""
    # `read_table` reads in threads of its own in any case, and a process that ends next to one is aborted at times
    # (apache/arrow#34314).
    with pq.ParquetFile(io.BytesIO(data)) as file:
        return file.read(use_threads=False)


def some(data: bytes, columns: Sequence[str]) -> pa.Table:
    """Return those of some columns that a file has, as a table. Raises NOT_PARQUET."""
    with pq.ParquetFile(io.BytesIO(data)) as file:
        there = [name for name in columns if name in file.schema_arrow.names]
        return file.read(columns=there, use_threads=False)


def schema(data: bytes) -> pa.Schema:
    """Return the columns and types of a file, from its footer. Raises NOT_PARQUET."""
    return pq.read_schema(io.BytesIO(data))
