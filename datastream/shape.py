"""What of a stream's file may not change by itself once there is data: what tells records apart, and how rows lie.

Each commit keeps both. A changed file is refused; `datastream reshape` commits by the old definition what waits, and
then lets the new one count.
"""

from datetime import datetime
from typing import Any

import msgspec

from datastream.catalog import PartitionBy, Stream
from datastream.errors import Permanent
from datastream.identity import identity_of
from datastream.lake.manifest import Header, Shape


class IdentityChanged(Permanent):
    """A stream with data has another cursor than before."""


class ShapeChanged(Permanent):
    """A stream with data has another key, other partitions or another number of lanes than before."""


def shape_of(stream: Stream, resharded_at: datetime | None = None) -> Shape:
    """Return how the rows of a stream lie by its file."""
    by = stream.partition_by
    return Shape(shards=stream.shards, partition=by.folder if by else None, resharded_at=resharded_at)


def refuse_another_shape(stream: Stream, header: Header | None) -> Shape:
    """Return the shape that counts, as `header` knows it. Raises IdentityChanged and ShapeChanged."""
    if header is None:
        return shape_of(stream)
    _refuse_another_cursor(stream, header)
    changed = differences(stream, header)
    if changed:
        said = ", ".join(f"{name} was {_shown(old)} and is {_shown(new)}" for name, (old, new) in changed.items())
        lost = "records would be taken for new ones, so everything would be loaded again; " if "key" in changed else ""
        raise ShapeChanged(
            f"The file of {stream.name!r} differs from what its data were committed by: {said}. Nothing is done as it "
            f"stands: {lost}what waits belongs to the old definition. Run `datastream reshape {stream.name}`, which "
            "commits that first and then changes over; or put the file back."
        )
    return shape_of(stream, header.shape.resharded_at if header.shape else None)


def differences(stream: Stream, header: Header) -> dict[str, tuple[Any, Any]]:
    """Return what `datastream reshape` would change, each as it was and as the file says."""
    before, now = header.identity, identity_of(stream)
    found = {"key": (before["key"], now["key"])} if before.get("key", now["key"]) != now["key"] else {}
    if header.shape is not None:
        old, new = header.shape, shape_of(stream)
        pairs = {"partition_by": (old.partition, new.partition), "shards": (old.shards, new.shards)}
        found |= {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    return found


def as_committed(stream: Stream, header: Header) -> Stream:
    """Return the stream with key, partitions and lanes as its newest commit has them."""
    shape = header.shape or shape_of(stream)
    field, _, grain = (shape.partition or "").rpartition("_")
    by = PartitionBy.model_validate({"field": field, "grain": grain}) if shape.partition else None
    if by is not None and stream.partition_by is not None:
        by = stream.partition_by.model_copy(update={"field": by.field, "grain": by.grain})
    key = header.identity.get("key", stream.key)
    return stream.model_copy(update={"key": key, "partition_by": by, "shards": shape.shards})


def reshaped(stream: Stream, header: Header, now: datetime) -> Shape:
    """Return the shape that counts from now on."""
    before = header.shape or shape_of(stream)
    return shape_of(stream, now if before.shards != stream.shards else before.resharded_at)


def _refuse_another_cursor(stream: Stream, header: Header) -> None:
    before, now = dict(header.identity), identity_of(stream)
    fixed = {name: value for name, value in now.items() if name != "key"}
    if any(before.get(name, value) != value for name, value in fixed.items()):
        raise IdentityChanged(
            f"What tells the records of {stream.name!r} apart was {before} when they were committed, and is {now} "
            "in its file: everything would be loaded again. Put key and source.cursor back, or give the stream "
            "another name."
        )


def _shown(value: Any) -> str:
    return "none" if value is None else msgspec.json.encode(value).decode()
