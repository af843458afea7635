"""Changes key, partitions or number of lanes of a stream that has data: by the old definition first what waits.

Nothing on the lake is rewritten. What was decided before is known by what told records apart then, so a record that
comes again is a repeat, whatever its id would be now.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from datastream import pipeline
from datastream.catalog import Stream
from datastream.clock import Clock
from datastream.identity import identity_of
from datastream.intake.backfills import refuse_unfinished
from datastream.lake.manifest import Manifest
from datastream.lake.store import Store
from datastream.lane import Lane
from datastream.notice import notice
from datastream.shape import as_committed, counting, differences, shape_of

Open = Callable[[Stream, str], AbstractContextManager[Lane]]
"""Opens a lane of a stream as it is described, under its lease."""


def changes(stream: Stream, store: Store) -> Mapping[str, tuple[Any, Any]]:
    """Return what differs between a stream's file and its data, each as it was and as it will be."""
    header = counting(store, stream.name)
    return differences(stream, header) if header else {}


def reshape(
    stream: Stream, store: Store, open_: Open, lanes: Iterable[str], clock: Clock, on_commit: Callable[[Manifest], None]
) -> None:
    """Commit what waits in `lanes` by the old definition, then have the new one count, by a commit a lane.

    All lanes are held meanwhile. The first lane's commit is the last: until then the old definition counts, and the
    command may be repeated whenever it was stopped. A worker that slept meets the commit of its lane and is refused.
    Raises LaneBusy, BackfillUnfinished, and what a run raises.
    """
    header = counting(store, stream.name)
    if header is None:
        return
    old = as_committed(stream, header)
    with ExitStack() as held:
        opened = [held.enter_context(open_(old, name)) for name in sorted(lanes, key=int)]
        for lane in opened:
            refuse_unfinished(lane.newest, lane.stream.name)
            pipeline.drain(lane, on_commit)
        for lane in reversed(opened):
            on_commit(_say_so(lane, stream, clock))


def _say_so(lane: Lane, stream: Stream, clock: Clock) -> Manifest:
    """Make a commit of no record, which holds the new definition. Another worker's that comes first is made too."""
    shape, identity = shape_of(stream), identity_of(stream)
    while True:
        refuse_unfinished(lane.newest, lane.stream.name)
        made = notice(lane, stream, lane.offsets, clock)
        if made is not None and made.header.shape == shape and made.header.identity == identity:
            return made
