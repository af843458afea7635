"""The plan: the decided rows themselves, each with its fate and file, as one Arrow object.

From here on writing is a pure function of this object. Nothing later reads the source, the transform or the suite,
whatever is deployed by then.
"""

import io

import msgspec
import pyarrow as pa

from datastream.lake import layout
from datastream.lake.manifest import FORMAT, CursorRange, Header, ManifestBroken, refuse_newer
from datastream.records import RAW, RULES

_HEADER = b"datastream.header"
_FILES = b"datastream.files"
_FORMAT = b"datastream.format"
_OPTIONS = pa.ipc.IpcWriteOptions(compression="zstd")


class PlannedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file to be written: so many rows, in the order of the plan."""

    key: str
    rows: int
    cursor: CursorRange | None


class Plan(msgspec.Struct, frozen=True, eq=False):
    """One decided claim. `rows` holds the rows of each file in turn; the quarantine's, if any, come last."""

    header: Header
    files: list[PlannedFile]
    quarantine: PlannedFile | None
    rows: pa.Table

    def __str__(self) -> str:
        return layout.commit_name(self.header.lane, self.header.seq)

    @property
    def loaded(self) -> pa.Table:
        """The rows to load, without the columns that only quarantine has."""
        count = sum(file.rows for file in self.files)
        return self.rows.slice(0, count).drop_columns([RULES, RAW])

    @property
    def set_aside(self) -> pa.Table:
        """The rows to set aside, each with the rules it broke and as it was received."""
        return self.rows.slice(sum(file.rows for file in self.files))

    @property
    def encoded(self) -> bytes:
        """The plan as bytes."""
        metadata = {
            _HEADER: msgspec.json.encode(self.header),
            _FILES: msgspec.json.encode((self.files, self.quarantine)),
            _FORMAT: str(FORMAT).encode(),
        }
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, self.rows.schema.with_metadata(metadata), options=_OPTIONS) as writer:
            writer.write_table(self.rows)
        return sink.getvalue()


def decode_plan(key: str, data: bytes) -> Plan:
    """Return the plan that `data` holds. Raises ManifestBroken and LogTooNew."""
    try:
        with pa.ipc.open_stream(data) as reader:
            rows = reader.read_all()
        rows.validate(full=True)  # what is broken may still have been unpacked, and points anywhere then
        metadata = rows.schema.metadata
        refuse_newer(key, int(metadata.get(_FORMAT, b"1")))
        files, quarantine = msgspec.json.decode(metadata[_FILES], type=tuple[list[PlannedFile], PlannedFile | None])
        header = msgspec.json.decode(metadata[_HEADER], type=Header)
    except (pa.ArrowException, OSError, AttributeError, KeyError, TypeError, ValueError, msgspec.DecodeError) as error:
        raise ManifestBroken(
            f"{key} is not a plan this version can read: {error}. Restore it from a backup of the lake, or run the "
            "version that wrote it once more."
        ) from error
    return Plan(header=header, files=files, quarantine=quarantine, rows=rows.replace_schema_metadata())
