"""Changes key, partitions or number of lanes of a stream that has data: by the old definition first what waits.

Nothing on the lake is rewritten. What was decided before is known by what told records apart then, so a record that
comes again is a repeat, whatever its id would be now.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pyarrow as pa

from datastream import pipeline
from datastream.catalog import Stream
from datastream.claim import Batch, Claim
from datastream.clock import Clock
from datastream.lake import layout
from datastream.lake.log import Log
from datastream.lake.manifest import Manifest
from datastream.lake.store import Store
from datastream.lane import Lane
from datastream.quality import Verdict
from datastream.records import RECEIVED_TYPE, RECORD_ID
from datastream.shape import as_committed, differences, reshaped

Open = Callable[[Stream, str], AbstractContextManager[Lane]]
"""Opens a lane of a stream as it is described, under its lease."""


def changes(stream: Stream, store: Store) -> Mapping[str, tuple[Any, Any]]:
    """Return what differs between a stream's file and its data, each as it was and as it will be."""
    newest = Log(store, stream.name).newest()
    return differences(stream, newest.header) if newest else {}


def reshape(
    stream: Stream, store: Store, open_: Open, lanes: Iterable[str], clock: Clock, on_commit: Callable[[Manifest], None]
) -> None:
    """Commit what waits in `lanes` by the old definition, then have the new one count, with a commit that says so.

    All lanes are held meanwhile. May be repeated whenever it was stopped. Raises LaneBusy, and what a run raises.
    """
    newest = Log(store, stream.name).newest()
    if newest is None:
        return
    old = as_committed(stream, newest.header)
    with ExitStack() as held:
        opened = {name: held.enter_context(open_(old, name)) for name in lanes}
        for lane in opened.values():
            pipeline.drain(lane, on_commit)
        first = opened[layout.LANE]
        header = first.newest.header if first.newest else newest.header
        first.stream, first.shape = stream, reshaped(stream, header, clock.now())
        on_commit(_say_so(first, clock))


def _say_so(lane: Lane, clock: Clock) -> Manifest:
    """Make a commit of no record, which holds the new definition. Another worker's that comes first is made too."""
    while True:
        plan = pipeline.decide(lane, _nothing(lane, clock), Verdict(rows=0, expectations=()))
        made = pipeline.complete(lane, plan) if plan is not None else None
        if made is not None and made.header.shape == lane.shape and made.header.identity == lane.identity:
            return made


def _nothing(lane: Lane, clock: Clock) -> Batch:
    table = pa.table({RECORD_ID: pa.array([], pa.string())})
    claim = Claim(
        records=[], table=table, positions=[], ids=[], refused={}, cursor=pa.nulls(0, pa.string()),
        schema=dict(lane.schema), offsets=lane.offsets, received_at=pa.array([], RECEIVED_TYPE), taken_at=clock.now(),
    )  # fmt: skip
    return Batch(claim=claim, table=table, positions=[], refused={}, duplicates=0, columns=dict(lane.agreed.columns))
