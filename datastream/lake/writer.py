"""Writes a plan's files. The names come from the plan, so writing twice writes once."""

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from datastream.errors import Permanent
from datastream.lake import layout
from datastream.lake.manifest import DataFile, Header, Manifest
from datastream.lake.parquet import record_ids
from datastream.lake.plan import Plan, PlannedFile
from datastream.lake.store import Store
from datastream.records import RECORD_ID

_ENCODING_THREADS = 2


class FileConflict(Permanent):
    """A file exists under our name that holds other rows."""


@dataclass(frozen=True, slots=True)
class _Encoded:
    file: PlannedFile
    ids: pa.ChunkedArray
    data: bytes


def write(store: Store, plan: Plan) -> Manifest:
    """Write every file of a plan, durably, and return the manifest that would commit them.

    Plain readers see the files at once: they hold the rows that were decided and nothing else will ever stand under
    their names. Raises FileConflict.
    """
    origin = _origin(plan.header)
    parts = [(file, rows, origin) for file, rows in zip(plan.files, _slices(plan), strict=True)]
    if plan.quarantine:
        parts.append((plan.quarantine, plan.set_aside, origin))
    with ThreadPoolExecutor(_ENCODING_THREADS, thread_name_prefix="parquet") as threads:
        encoded = list(threads.map(_encode, parts))
    existed = store.create_all({part.file.key: part.data for part in encoded})
    written = [
        _existing(store, part) if part.file.key in existed else _described(part.file, part.data) for part in encoded
    ]
    quarantine = written.pop() if plan.quarantine else None
    return Manifest(header=plan.header, files=written, quarantine=quarantine)


def _slices(plan: Plan) -> list[pa.Table]:
    loaded, slices, start = plan.loaded, [], 0
    for file in plan.files:
        slices.append(loaded.slice(start, file.rows))
        start += file.rows
    return slices


def _origin(header: Header) -> dict[str, str]:
    """Return where a commit's rows come from, as it stands in the footer of each of its files."""
    versions = header.versions
    return {
        "datastream.stream": header.stream,
        "datastream.commit": layout.commit_name(header.lane, header.seq),
        "datastream.run": header.run,
        "datastream.decided_at": header.decided_at.isoformat(),
        "datastream.suite": versions.suite,
        "datastream.transform": versions.transform,
        "datastream.stream_file": versions.stream,
        "datastream.offsets": msgspec.json.encode(header.offsets).decode(),
    }


def _encode(part: tuple[PlannedFile, pa.Table, dict[str, str]]) -> _Encoded:
    file, rows, origin = part
    unknown = [field.name for field in rows.schema if pa.types.is_null(field.type)]
    sink = io.BytesIO()
    # A column that has had no value yet has no type either: left out, it cannot contradict the type it gets later.
    # In files of a thousand rows dictionaries cost a third more time and a tenth more bytes than zstd without them.
    stored = rows.drop_columns(unknown).replace_schema_metadata(origin)
    pq.write_table(stored, sink, compression="zstd", compression_level=1, use_dictionary=False)
    return _Encoded(file, rows[RECORD_ID], sink.getvalue())


def _described(file: PlannedFile, data: bytes) -> DataFile:
    return DataFile(
        key=file.key, rows=file.rows, bytes=len(data), sha256=hashlib.sha256(data).hexdigest(), cursor=file.cursor
    )


def _existing(store: Store, part: _Encoded) -> DataFile:
    """Describe a file that an earlier attempt wrote. Its rows must be ours; its bytes need not be."""
    data = store.read(part.file.key)
    if data is None or not record_ids(data).equals(part.ids):
        raise FileConflict(
            f"{part.file.key} exists and holds other rows than the ones decided for it. Nothing was overwritten. "
            "Move that file away if it does not belong to this lake, and run again."
        )
    return _described(part.file, data)
