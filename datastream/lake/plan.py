"""The plan: the decided rows themselves, as the files that will hold them, and the manifest of the commit to be.

It is a zip archive that packs nothing again, so any tool opens it. Writing is copying: nothing later reads the source,
the transform or the suite, or encodes anything, whatever is deployed by then.
"""

import hashlib
import io
import struct
from collections.abc import Sequence
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import msgspec
import pyarrow as pa

from datastream.lake.manifest import DataFile, Header, Manifest, ManifestBroken, decode, encode
from datastream.lake.parquet import record_ids, table

_MANIFEST = "manifest.json"
_NOT_ZIP = (BadZipFile, struct.error, KeyError, OSError, EOFError, ValueError, RuntimeError)
"""What zipfile raises for an archive that is broken."""


class Plan(msgspec.Struct, frozen=True, eq=False):
    """One decided claim, and all that it takes to commit it."""

    manifest: Manifest
    """The commit to be."""
    data: Sequence[bytes]
    """What each of its files holds; the quarantine's, if there is one, comes last."""
    known: pa.ChunkedArray | None = None
    """The record ids in them, if they are at hand."""

    def __str__(self) -> str:
        return str(self.manifest)

    @property
    def header(self) -> Header:
        """What is known of the commit."""
        return self.manifest.header

    @property
    def ids(self) -> pa.ChunkedArray:
        """The record ids, file after file."""
        if self.known is not None:
            return self.known
        chunks = [chunk for data in self.data for chunk in record_ids(data).chunks]
        return pa.chunked_array(chunks, pa.string())

    @property
    def set_aside(self) -> pa.Table | None:
        """The rows to set aside, each with the rules it broke and as it was received."""
        return table(self.data[-1]) if self.manifest.quarantine else None

    @property
    def encoded(self) -> bytes:
        """The plan as bytes."""
        sink = io.BytesIO()
        with ZipFile(sink, "w") as archive:
            for file, data in zip(self.manifest.all_files, self.data, strict=True):
                archive.writestr(ZipInfo(file.key), data)
            archive.writestr(ZipInfo(_MANIFEST), encode(self.manifest))
        return sink.getvalue()


def decode_plan(key: str, data: bytes) -> Plan:
    """Return the plan that `data` holds. Raises ManifestBroken and LogTooNew."""
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            manifest = decode(key, _entry(archive, _MANIFEST))
            files = [_held(archive, file) for file in manifest.all_files]
    except _NOT_ZIP as error:
        raise ManifestBroken(
            f"{key} is not a plan this version can read: {error}. Restore it from a backup of the lake, or run the "
            "version that wrote it once more."
        ) from error
    return Plan(manifest=manifest, data=files)


def _held(archive: ZipFile, file: DataFile) -> bytes:
    data = _entry(archive, file.key)
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise BadZipFile(f"what it holds of {file.key} is not what was decided")
    return data


def _entry(archive: ZipFile, name: str) -> bytes:
    if archive.getinfo(name).compress_type != ZIP_STORED:  # a few bytes could become any number of them
        raise BadZipFile(f"{name} is packed in it, and nothing of ours is")
    return archive.read(name)
