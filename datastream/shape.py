"""What of a stream's file may not change by itself once there is data: what tells records apart, and how rows lie.

Each commit keeps both. A changed file is refused; `datastream reshape` commits by the old definition what waits, and
then lets the new one count.
"""

from typing import Any

import msgspec

from datastream.catalog import PartitionBy, Stream
from datastream.errors import Permanent
from datastream.identity import identity_of
from datastream.lake import layout
from datastream.lake.log import Log
from datastream.lake.manifest import Header, Shape
from datastream.lake.store import Store


class IdentityChanged(Permanent):
    """A stream with data has another cursor than before."""


class ShapeChanged(Permanent):
    """A stream with data has another key, other partitions or another number of lanes than before."""


def shape_of(stream: Stream) -> Shape:
    """Return how the rows of a stream lie by its file."""
    by = stream.partition_by
    return Shape(shards=stream.shards, partition=by.folder if by else None)


def counting(store: Store, stream: str, at_hand: Log | None = None) -> Header | None:
    """Return the newest decision of the first lane that has one: it says by which definition the stream goes."""
    folders = (layout.log_of(stream), layout.plans_of(stream))
    names = {name for folder in folders for name in store.folders(folder) if name.isdecimal()}
    for name in sorted(names, key=int):
        log = at_hand if at_hand is not None and at_hand.lane == name else Log(store, stream, name)
        newest = log.newest()
        decided = log.plan(newest.header.seq + 1 if newest else 1)
        if decided is not None or newest is not None:
            return decided.header if decided else newest.header if newest else None
    return None


def refuse_another_shape(stream: Stream, header: Header | None) -> None:
    """Do nothing where the stream goes by its file's definition. Raises IdentityChanged and ShapeChanged."""
    if header is None:
        return
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


def _refuse_another_cursor(stream: Stream, header: Header) -> None:
    before, now = dict(header.identity), identity_of(stream)
    fixed = {name: value for name, value in now.items() if name != "key"}
    if any(before.get(name, value) != value for name, value in fixed.items()):
        raise IdentityChanged(
            f"What tells the records of {stream.name!r} apart was {before} when they were committed, and is {now} "
            "in its file: everything would be loaded again. Put source.cursor back, or give the stream another "
            "name."
        )


def _shown(value: Any) -> str:
    return "none" if value is None else msgspec.json.encode(value).decode()
