"""Reads one committed file. By one thread: a file of a thousand rows is no work for more, and a process that ends while
Arrow's own threads come to rest is aborted now and then, with its work done and the wrong exit code.
"""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from datastream.records import RECORD_ID

NOT_PARQUET = (pa.ArrowException, OSError, UnicodeDecodeError)
"""What pyarrow raises for a file that is broken; OSError is how it names a page that cannot be unpacked."""


def record_ids(data: bytes) -> pa.ChunkedArray:
    """Return the record ids in a file, in its order. Raises NOT_PARQUET."""
    return pq.read_table(io.BytesIO(data), columns=[RECORD_ID], use_threads=False)[RECORD_ID]


def rows(data: bytes) -> list[dict[str, Any]]:
    """Return the rows of a file. Raises NOT_PARQUET."""
    found: list[dict[str, Any]] = table(data).to_pylist()
    return found


def table(data: bytes) -> pa.Table:
    """Return a file as a table. Raises NOT_PARQUET."""
    return pq.read_table(io.BytesIO(data), use_threads=False)


def schema(data: bytes) -> pa.Schema:
    """Return the columns and types of a file, from its footer. Raises NOT_PARQUET."""
    return pq.read_schema(io.BytesIO(data))
