"""The lanes of a stream, and how a run takes those that nobody else drains.

Several runs share a stream's lanes: each takes one that is free, then the next. A dead run's lane is free when its
lease has run out, and any other run takes it.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import timedelta

from datastream.buffers import MOST_LANES, Buffer, lane_of
from datastream.buffers.lease import LaneBusy, LeasePolicy
from datastream.catalog import Stream
from datastream.clock import Clock
from datastream.lake import layout
from datastream.lake.store import Store
from datastream.lane import Lane

Take = Callable[[str, timedelta], AbstractContextManager[Lane]]
"""Opens a lane under its lease, waiting for it so long at most. Raises LaneBusy."""


def lanes_of(stream: Stream, store: Store, buffer: Buffer | None) -> list[str]:
    """Return the lanes to drain: those of the file, those that were ever committed to, those where something waits.

    So whoever posts by an older file than the run's strands nothing.
    """
    there = {str(number) for number in range(stream.shards)}
    for folder in (layout.log_of(stream.name), layout.plans_of(stream.name)):
        there |= {name for name in store.folders(folder) if name.isdecimal()}
    if buffer is not None:
        others = (str(number) for number in range(stream.shards, MOST_LANES))
        there |= {name for name in others if buffer.depth(lane_of(stream.name, name))}
    return sorted(there, key=int)


def free_lanes(names: Sequence[str], take: Take, policy: LeasePolicy, clock: Clock) -> Generator[Lane, None, None]:
    """Yield one lane after another that nobody else drains; each is closed when the next is asked for.

    What others hold is asked for again until a dead one's lease has run out. Raises LaneBusy if there was none.
    """
    left, yielded, busy = list(names), False, None
    deadline = clock.monotonic() + policy.waits.total_seconds()
    while left:
        for name in tuple(left):
            with ExitStack() as held:
                try:
                    lane = held.enter_context(take(name, timedelta()))
                except LaneBusy as error:
                    busy = error
                    continue
                left.remove(name)
                yielded = True
                yield lane
        if left and clock.monotonic() >= deadline:
            break
        if left:
            clock.sleep(policy.poll)
    if busy is not None and not yielded:
        raise busy


def begun_at(names: Sequence[str], chance: float) -> list[str]:
    """Return the lanes from one that chance, in [0, 1), names, so that runs do not all ask for the first."""
    start = int(chance * len(names))
    return [*names[start:], *names[:start]]
