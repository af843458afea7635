"""Makes a plan of a decision: its rows become the bytes of Parquet files."""

import hashlib
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from datastream.lake import layout
from datastream.lake.manifest import (
    FORMAT,
    FORMAT_OF_REPLAYS,
    FORMAT_OF_SNAPSHOTS,
    CursorRange,
    DataFile,
    Header,
    Manifest,
)
from datastream.lake.plan import Plan
from datastream.records import RECORD_ID

_THREADS = 2
_LONGEST_OFFSETS = 4096


class DecidedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file to be: so many rows, in the order of the decision."""

    key: str
    rows: int
    cursor: CursorRange | None


class Decision(msgspec.Struct, frozen=True, eq=False):
    """What becomes of the rows of a claim."""

    header: Header
    files: list[DecidedFile]
    loaded: pa.Table
    """The rows of each file in turn."""
    quarantine: DecidedFile | None
    set_aside: pa.Table
    """The rows of the quarantine, each with the rules it broke and as it was received."""

    @property
    def parts(self) -> Iterator[tuple[DecidedFile, pa.Table]]:
        """Each file with its rows; the quarantine comes last."""
        start = 0
        for file in self.files:
            yield file, self.loaded.slice(start, file.rows)
            start += file.rows
        if self.quarantine:
            yield self.quarantine, self.set_aside


def planned(decision: Decision) -> Plan:
    """Return the plan of a decision. Raises pyarrow.ArrowException for a column that Parquet cannot hold."""
    origin, parts = _origin(decision.header), list(decision.parts)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="parquet") as threads:
        encoded = list(threads.map(lambda part: _encoded(part[0], part[1], origin), parts))
    data, files = [data for data, _ in encoded], [file for _, file in encoded]
    quarantine = files.pop() if decision.quarantine else None
    manifest = Manifest(header=decision.header, files=files, quarantine=quarantine, format=_format(decision.header))
    chunks = [chunk for _, rows in parts for chunk in rows[RECORD_ID].chunks]
    return Plan(manifest=manifest, data=data, known=pa.chunked_array(chunks, pa.string()))


def _format(header: Header) -> int:
    if header.accounts.replayed:
        return FORMAT_OF_REPLAYS
    return FORMAT if header.snapshot is None else FORMAT_OF_SNAPSHOTS


def _origin(header: Header) -> dict[str, str]:
    """Return where a commit's rows come from, as it stands in the footer of each of its files."""
    versions, offsets = header.versions, msgspec.json.encode(header.offsets).decode()
    return {
        "datastream.stream": header.stream,
        "datastream.commit": layout.commit_name(header.lane, header.seq),
        "datastream.run": header.run,
        "datastream.decided_at": header.decided_at.isoformat(),
        "datastream.suite": versions.suite,
        "datastream.transform": versions.transform,
        "datastream.stream_file": versions.stream,
        # Long ones stand in the manifest alone: a footer is read whole by whoever opens the file.
        **({"datastream.offsets": offsets} if len(offsets) <= _LONGEST_OFFSETS else {}),
    }


def _encoded(file: DecidedFile, rows: pa.Table, origin: dict[str, str]) -> tuple[bytes, DataFile]:
    unknown = [field.name for field in rows.schema if pa.types.is_null(field.type)]
    sink = io.BytesIO()
    # A column that has had no value yet has no type either: left out, it cannot contradict the type it gets later.
    # In files of a thousand rows dictionaries cost a third more time and a tenth more bytes than zstd without them.
    stored = rows.drop_columns(unknown).replace_schema_metadata(origin)
    pq.write_table(stored, sink, compression="zstd", compression_level=1, use_dictionary=False)
    data = sink.getvalue()
    digest = hashlib.sha256(data).hexdigest()
    return data, DataFile(key=file.key, rows=file.rows, bytes=len(data), sha256=digest, cursor=file.cursor)
