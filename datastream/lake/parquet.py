"""Reads one committed file. By one thread: a file of a thousand rows is no work for more, and a process that ends while
Arrow's own threads come to rest is aborted now and then, with its work done and the wrong exit code.
"""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from datastream.records import RECORD_ID


def record_ids(data: bytes) -> pa.ChunkedArray:
    """Return the record ids in a file, in its order. Raises pa.ArrowException if it is not Parquet."""
    return pq.read_table(io.BytesIO(data), columns=[RECORD_ID], use_threads=False)[RECORD_ID]


def rows(data: bytes) -> list[dict[str, Any]]:
    """Return the rows of a file. Raises pa.ArrowException if it is not Parquet."""
    found: list[dict[str, Any]] = pq.read_table(io.BytesIO(data), use_threads=False).to_pylist()
    return found
