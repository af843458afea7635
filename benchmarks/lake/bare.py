"""The same files without a protocol: encoded alike, written side by side alike, and nothing is asked."""

import io
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from datastream.connections import LakeConfig

_WRITERS, _ENCODERS = 16, 2
Put = Callable[[Mapping[str, bytes]], None]


def write(table: pa.Table, rows: int, folder: str, put: Put) -> None:
    """Write a table in files of `rows` rows."""
    slices = [table.slice(start, rows) for start in range(0, table.num_rows, rows)]
    with ThreadPoolExecutor(_ENCODERS) as threads:
        encoded = list(threads.map(_encode, slices))
    put({f"{folder}/{at:04}.parquet": data for at, data in enumerate(encoded)})


def _encode(rows: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(rows, sink, compression="zstd", compression_level=1, use_dictionary=False)
    return sink.getvalue()


def local(root: Path) -> Put:
    """Return how files are written to a folder."""

    def put(key: str, data: bytes) -> None:
        file = root / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def put_all(files: Mapping[str, bytes]) -> None:
        with ThreadPoolExecutor(_WRITERS) as threads:
            list(threads.map(put, files, files.values()))

    return put_all


def s3(config: LakeConfig) -> Put:
    """Return how objects are put into the bucket: as s3fs does it with many at once."""
    client = _client(config)
    bucket = config.uri.removeprefix("s3://").partition("/")[0]
    return lambda files: client.pipe({f"{bucket}/bare/{key}": data for key, data in files.items()}, batch_size=_WRITERS)


def _client(config: LakeConfig) -> Any:
    from s3fs import S3FileSystem

    assert config.secret_key is not None  # noqa: S101 - the benchmark's own server has one
    return S3FileSystem(
        endpoint_url=config.endpoint, key=config.access_key, secret=config.secret_key.get_secret_value(),
        config_kwargs={"max_pool_connections": _WRITERS},
    )  # fmt: skip
