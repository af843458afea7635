"""The manifest: what one commit put on the lake. Its creation is the commit; it is never changed."""

from datetime import datetime
from typing import Any

import msgspec

from datastream.errors import Permanent
from datastream.lake import layout
from datastream.records import Accounts

FORMAT = 1
"""Of manifests, plans and rewrites. It grows when an older version would misread what a newer one writes."""
FORMAT_OF_SNAPSHOTS = 2
"""Of manifests that say which commits count: an older version would read every snapshot there ever was."""
FORMAT_OF_REPLAYS = 3
"""Of manifests of rows that left the quarantine: an older version would read them there too."""
_NEWEST = FORMAT_OF_REPLAYS
CursorRange = tuple[str | int, str | int]


class ManifestBroken(Permanent):
    """An object of the log cannot be read."""


class LogTooNew(Permanent):
    """An object of the log was written by a later version, in a form that this one does not know."""


class DataFile(msgspec.Struct, frozen=True, kw_only=True):
    """One Parquet file of a commit."""

    key: str
    rows: int
    bytes: int
    sha256: str
    cursor: CursorRange | None
    """Least and greatest cursor value in it, as compared; None if a row has none."""


class RuleResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule said of the claim. `rows` are those that it set aside or, with action warn, would have."""

    rule: str
    severity: str
    success: bool
    rows: int


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """Which stream file, suite, transform and schema decided."""

    stream: str
    suite: str
    transform: str
    schema: str = ""
    """Of the source's columns and what the stream declares of them."""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What a stream's file says of how its rows are laid out. With data on the lake it changes only by `reshape`."""

    shards: int = 1
    partition: str | None = None
    """The partitions' folder name; None for a stream without."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which commits of a lane count, where a pass over the source takes the place of what came before it."""

    first: int
    last: int
    """They count from the first to the last, once the commit is made that says so; with `last` below `first`, none."""
    begun: int | None = None
    """The first commit of a pass that is not whole yet: none of it counts until it is."""

    @property
    def since(self) -> int:
        """The first commit in which a record may stand that is not to be loaded again."""
        return self.first if self.begun is None else self.begun


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a commit once it is decided: the same in its plan and its manifest."""

    stream: str
    lane: str
    seq: int
    decision: str
    """A random name of the decision, by which a worker knows its own plan from another's."""
    run: str
    decided_at: datetime
    accounts: Accounts
    offsets: dict[str, Any]
    """How far the lane has come. The source knows its shape; the lake only keeps it."""
    schema: dict[str, str]
    """The source's columns and their types, so far."""
    columns: dict[str, str] = {}
    """The columns of the stream's files and their types, so far: name to Arrow's text, but for our own."""
    identity: dict[str, Any]
    """What tells records of this stream apart: while it stays, the same record has the same id."""
    versions: Versions
    rules: list[RuleResult]
    set_aside: dict[str, int]
    """Rows in quarantine by the rule they broke; a row that broke two counts for both. What left it counts below 0."""
    shape: Shape | None = None
    """None in what was decided before shapes were kept."""
    watermark: datetime | None = None
    """The greatest record time that the lane has loaded, by the field its stream is partitioned by."""

    pii: list[str] = []
    """What the stream's file marks as personal, for whoever shows rows without the file."""
    held: list[str] = []
    """The rules for which the whole claim lies in quarantine until somebody releases it."""
    snapshot: Snapshot | None = None
    """None where every commit of the lane counts."""

    @property
    def counts(self) -> range:
        """The numbers of the lane's commits that count, once this one is made."""
        snapshot = self.snapshot
        return range(1, self.seq + 1) if snapshot is None else range(snapshot.first, snapshot.last + 1)

    @property
    def epoch(self) -> str | None:
        """The epoch of the buffer that the offsets belong to; None where there is no buffer."""
        return self.offsets.get("epoch")


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """One commit."""

    header: Header
    files: list[DataFile]
    quarantine: DataFile | None
    format: int = FORMAT

    def __str__(self) -> str:
        return layout.commit_name(self.header.lane, self.header.seq)

    @property
    def all_files(self) -> list[DataFile]:
        """Data and quarantine."""
        return [*self.files, *([self.quarantine] if self.quarantine else [])]


class _Format(msgspec.Struct):
    format: int = FORMAT


_formats = msgspec.json.Decoder(_Format)
_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Manifest)


def encode(manifest: Manifest) -> bytes:
    """Return the manifest as JSON."""
    return msgspec.json.format(_encoder.encode(manifest), indent=1)


def decode(key: str, data: bytes) -> Manifest:
    """Return the manifest that `data` holds. Raises ManifestBroken and LogTooNew."""
    try:
        refuse_newer(key, format_of(data))
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ManifestBroken(
            f"{key} is not a manifest this version can read: {error}. Restore it from a backup of the lake; without "
            "it nothing more is committed on its lane."
        ) from error


def refuse_newer(key: str, format_: int) -> None:
    """Raise LogTooNew for a format that this version does not know: fields it knows nothing of would be overlooked."""
    if format_ > _NEWEST:
        raise LogTooNew(
            f"{key} is of format {format_}, and this version of datastream knows formats up to {_NEWEST}. "
            "A newer version has written to this lake: upgrade datastream here too. Nothing was read or written."
        )


def format_of(data: bytes) -> int:
    """Return the format of an object of the log. Raises msgspec.DecodeError."""
    return _formats.decode(data).format
