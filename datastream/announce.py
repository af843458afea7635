"""Announces commits on the event bus. The lake's log is the outbox: what a commit has to tell is a function of its
manifest, so it is told in the same words and under the same ids, however often.

At least once: the events of a commit are confirmed before the lane's position moves past it. Two workers that announce
the same commit are harmless, and so is a broker that is away: it delays events and nothing else.
"""

import logging
from collections.abc import Callable, Iterator

import msgspec

from datastream.events.contract import BrokerAway, BrokerBlocked, BrokerUnusable, EventBus, EventRefused
from datastream.events.event import Event
from datastream.events.topology import TopologyDiffers, TopologyGone
from datastream.events.webhook import ReceiverAway
from datastream.lake import layout
from datastream.lake.log import Log
from datastream.lake.manifest import DataFile, Manifest
from datastream.lake.store import Store
from datastream.observe.crash import crash_point, step
from datastream.resilience import BreakerOpen, Dependency

logger = logging.getLogger(__name__)
_BUS_FAILED = (
    BrokerAway, BrokerBlocked, BrokerUnusable, EventRefused, TopologyDiffers, TopologyGone, ReceiverAway, BreakerOpen
)  # fmt: skip
_MOST_FILES = 200  # keeps an event below the 64 KiB that whoever passes CloudEvents on has to take


def events_of(manifest: Manifest) -> list[Event]:
    """Return what a commit has to tell: that it was made, always, and if rows were set aside, or all are held.

    A commit that loaded nothing is told too. So the numbers have no gaps, and a consumer knows when it missed one.
    No event holds a value of a row.
    """
    events = [_event(manifest, 1, "committed", manifest.files)]
    if manifest.quarantine:
        events.append(_event(manifest, 2, "quarantined", [manifest.quarantine]))
    if manifest.header.held:
        events.append(_event(manifest, 3, "held", [manifest.quarantine] if manifest.quarantine else []))
    return events


Telling = Callable[[Manifest], list[Event]]
"""Makes events of a commit: the same ones each time, with the same ids."""


class Outbox:
    """What a lane has to announce: the commits of its log after its position, which is kept in the lake.

    Who is told by another way, `to` whom, has a position of its own.
    """

    def __init__(self, store: Store, stream: str, lane: str = layout.LANE, to: str = "events") -> None:
        self._store, self._log, self._to = store, Log(store, stream, lane), to
        marks = store.keys(layout.announced_folder(stream, lane, to))
        self._marks = layout.sequences(marks, "announced")

    @property
    def position(self) -> int:
        """The last commit that is announced; 0 before the first."""
        return self._marks[-1] if self._marks else 0

    @property
    def begun(self) -> bool:
        """Tell whether there is a position at all."""
        return bool(self._marks)

    def waiting(self) -> int:
        """Return how many commits are not announced."""
        newest = self._log.newest()
        return max(0, newest.header.seq - self.position) if newest else 0

    def commits(self) -> Iterator[list[Manifest]]:
        """Yield the commits after the position, in order and in growing groups: one read if there is none."""
        return self._log.after(self.position)

    def move(self, seq: int) -> None:
        """Remember, durably, that all commits up to `seq` are announced."""
        stream, lane = self._log.stream, self._log.lane
        self._store.create(layout.announced(stream, lane, seq, self._to), b"")
        for mark in self._marks:
            self._store.delete(layout.announced(stream, lane, mark, self._to))
        self._marks = [seq]


def announce(outbox: Outbox, bus: EventBus | None, tell: Telling = events_of) -> int:
    """Publish what waits, in order, and return how many commits that were. Without a bus, everything goes on waiting.

    A lake that gets its first bus announces everything from its first commit on. Raises what the bus raises; what is
    confirmed by then is at most published again.
    """
    if bus is None:
        return 0
    announced = 0
    for commits in outbox.commits():
        with step("announce"):
            bus.publish([event for commit in commits for event in tell(commit)])
            crash_point("announce.confirmed")
            outbox.move(commits[-1].header.seq)
        announced += len(commits)
    return announced


class Announcer:
    """Announces the commits of a lane as they are made. A bus that does not take them delays them and nothing else."""

    def __init__(self, outbox: Outbox, bus: EventBus | None, dependency: Dependency, tell: Telling = events_of) -> None:
        self._outbox, self._bus, self._dependency, self._tell = outbox, bus, dependency, tell
        self._failed = False

    def announce(self) -> None:
        """Announce what waits. After a failure nothing more is tried: the next run does."""
        if self._bus is None or self._failed:
            return
        try:
            self._dependency.call(lambda: announce(self._outbox, self._bus, self._tell))
        except _BUS_FAILED as error:
            self._failed = True
            logger.warning("Commits wait in the lake's log to be announced by the next run: %s", error)


def _event(manifest: Manifest, n: int, what: str, files: list[DataFile]) -> Event:
    header = manifest.header
    return Event.about(
        header.stream,
        what,
        id=f"{header.stream}/{header.lane}/{header.seq}/{n}",
        subject=str(manifest),
        time=header.decided_at,
        data={
            "stream": header.stream,
            "lane": header.lane,
            "seq": header.seq,
            "commit": str(manifest),
            "run": header.run,
            "accounts": msgspec.to_builtins(header.accounts),
            "rules": header.set_aside,
            "manifest": layout.manifest(header.stream, header.lane, header.seq),
            "file_count": len(files),
            "files": [{"key": file.key, "rows": file.rows, "bytes": file.bytes} for file in files[:_MOST_FILES]],
            **({"held": header.held} if header.held else {}),
            **({"snapshot": msgspec.to_builtins(header.snapshot)} if header.snapshot else {}),
        },
    )
