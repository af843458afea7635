"""A lane of a stream while it is drained: its parts, opened and closed together, and how far its log has come."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from datastream.announce import Announcer, Outbox
from datastream.buffers.lease import LeasePolicy, lease
from datastream.catalog import Stream
from datastream.claim import Claim
from datastream.clock import Clock, SystemClock
from datastream.connections import BufferConfig
from datastream.errors import Permanent
from datastream.events.contract import EventBus
from datastream.identity import identity_of
from datastream.intake import Intake
from datastream.lake.duplicates import KnownIds
from datastream.lake.log import Log
from datastream.lake.manifest import Manifest, Versions
from datastream.lake.store import Store
from datastream.quality import Suite
from datastream.resilience import DEFAULT, BreakerStates, Dependency, MemoryStates, RetryPolicy
from datastream.transform import Transform, load_transform


class IdentityChanged(Permanent):
    """A stream with data has another key or cursor than before."""


class Lane(msgspec.Struct, eq=False):
    """One lane of a stream while it is drained: its parts, and how far its log has come."""

    stream: Stream
    suite: Suite
    store: Store
    log: Log
    intake: Intake
    announcer: Announcer
    run: str
    transform: Transform
    versions: Versions
    known: KnownIds
    commits: list[Manifest]
    clock: Clock

    @property
    def newest(self) -> Manifest | None:
        """The last commit, or None."""
        return self.commits[-1] if self.commits else None

    @property
    def offsets(self) -> Mapping[str, Any]:
        """How far the log says the lane has come."""
        return self.newest.header.offsets if self.newest else {}

    @property
    def schema(self) -> Mapping[str, str]:
        """The source's columns and their types, so far."""
        return self.newest.header.schema if self.newest else {}

    @property
    def next_seq(self) -> int:
        """The number of the next commit."""
        return self.newest.header.seq + 1 if self.newest else 1

    def stands_at(self, claim: Claim) -> bool:
        """Tell whether the newest commit is that of `claim`, as far as the next claim would notice a difference."""
        return self.newest is not None and self.offsets == claim.offsets and self.schema == claim.schema

    @property
    def window(self) -> str:
        """What is being read, or would be read now, for people."""
        return self.intake.label(self.offsets)

    def reload(self) -> None:
        """Read the log again, because another worker went on with it."""
        self.commits = list(self.log.manifests())


@contextmanager
def open_lane(
    stream: Stream,
    suite: Suite,
    store: Store,
    intake: Intake,
    *,
    run: str,
    bus: EventBus | None = None,
    buffer: BufferConfig | None = None,
    lease_policy: LeasePolicy | None = None,
    clock: Clock | None = None,
    states: BreakerStates | None = None,
) -> Iterator[Lane]:
    """Open the lane of a stream, under a lease; first what an earlier run could not announce is announced.

    Raises LaneBusy, TransformMissing, LakeUnusable, IdentityChanged.
    """
    clock = clock or SystemClock()
    transform, transform_version = load_transform(stream.transform)
    versions = Versions(stream=stream.version, suite=suite.version, transform=transform_version)
    log = Log(store, stream.name)
    with lease(buffer, stream.name, log.lane, lease_policy, clock):
        log.sweep()
        broker = Dependency("rabbitmq", DEFAULT, states or MemoryStates(), clock, RetryPolicy(attempts=1))
        lane = Lane(
            stream=stream, suite=suite, store=store, log=log, intake=intake,
            announcer=Announcer(Outbox(store, stream.name, log.lane), bus, broker), run=run, transform=transform,
            versions=versions, known=KnownIds(store), commits=[], clock=clock,
        )  # fmt: skip
        lane.reload()
        _refuse_another_identity(lane)
        lane.announcer.announce()
        yield lane


def _refuse_another_identity(lane: Lane) -> None:
    """Refuse to go on where every record would be taken for a new one."""
    decided = lane.log.plan(lane.next_seq)  # it may be the first, and the stream may have become another since
    header = decided.header if decided else lane.newest.header if lane.newest else None
    before, now = header.identity if header else None, identity_of(lane.stream)
    if before not in (None, now):
        raise IdentityChanged(
            f"What tells the records of {lane.stream.name!r} apart was {before} when they were committed, and is {now} "
            "in its file: everything would be loaded again. Put key and source.cursor back, or give the stream "
            "another name."
        )
