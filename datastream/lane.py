"""A lane of a stream while it is drained: its parts, opened and closed together, and how far its log has come."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import msgspec

from datastream.announce import Announcer, Outbox
from datastream.buffers.attempts import Attempts, attempts
from datastream.buffers.lease import LeasePolicy, lease
from datastream.catalog import Stream
from datastream.claim import Claim
from datastream.clock import Clock, SystemClock
from datastream.collisions import Collisions
from datastream.connections import BufferConfig
from datastream.decision import Place
from datastream.events.contract import EventBus
from datastream.identity import identity_of
from datastream.intake import Intake
from datastream.isolation import IsolationPolicy
from datastream.lake import layout
from datastream.lake.duplicates import KnownIds
from datastream.lake.index import Index
from datastream.lake.log import Log
from datastream.lake.manifest import CursorRange, Manifest, Versions
from datastream.lake.schemas import Schema, create, newest
from datastream.lake.store import Store
from datastream.quality import Suite
from datastream.ranges import may_hold
from datastream.resilience import DEFAULT, BreakerStates, Dependency, MemoryStates, RetryPolicy
from datastream.shape import counting, refuse_another_shape, shape_of
from datastream.transform import Transform, load_transform


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
    clock: Clock
    attempts: Attempts
    isolation: IsolationPolicy = IsolationPolicy()
    index: Index = Index()
    newest: Manifest | None = None
    """The last commit."""
    agreed: Schema = Schema()
    """What the stream's lanes agree on."""
    former: list[Mapping[str, Any]] | None = None
    collisions: Collisions = Collisions()
    """In the claims that were decided since it was opened."""

    @property
    def name(self) -> str:
        """The lane's own name."""
        return self.log.lane

    @property
    def offsets(self) -> Mapping[str, Any]:
        """How far the log says the lane has come."""
        return self.newest.header.offsets if self.newest else {}

    @property
    def schema(self) -> Mapping[str, str]:
        """The source's fields and their types, so far."""
        return self.agreed.fields

    @property
    def next_seq(self) -> int:
        """The number of the next commit."""
        return self.newest.header.seq + 1 if self.newest else 1

    @property
    def identity(self) -> Mapping[str, Any]:
        """What tells records apart now."""
        return identity_of(self.stream)

    def others(self, cursor: CursorRange | None) -> list[tuple[Log, Index]]:
        """Return the stream's other lanes whose names admit records with such cursor values, as they stand now."""
        names = self.store.folders(layout.log_of(self.stream.name))
        there = [name for name in names if name != self.name and may_hold(name, cursor)]
        logs = [Log(self.store, self.stream.name, name) for name in there]
        return [(log, log.opened()[0]) for log in logs]

    def replays(self) -> list[tuple[Log, Index]]:
        """Return the lane of replays as it stands now, if there is one and this is another."""
        there = layout.REPLAY in self.store.folders(layout.log_of(self.stream.name)) and self.name != layout.REPLAY
        log = Log(self.store, self.stream.name, layout.REPLAY)
        return [(log, log.opened()[0])] if there else []

    @property
    def place(self) -> Place:
        """Where in the log the next decision belongs, and who takes it."""
        shape, before = shape_of(self.stream), self.newest.header if self.newest else None
        # The times of another field say nothing of what is late by this one.
        same = before is not None and (before.shape is None or before.shape.partition == shape.partition)
        same = same and self.name.isdecimal()  # what is filled in, or loaded after all, is late by intent
        watermark = before.watermark if before and same else None
        snapshot = before.snapshot if before else None
        return Place(self.name, self.next_seq, self.run, self.versions, shape, watermark, snapshot)

    def former_identities(self) -> list[Mapping[str, Any]]:
        """Return what told records apart before it was changed. The whole log is read for it, once."""
        if self.former is None:
            self.former = []
            for commit in self.log.manifests():
                if commit.header.identity not in (self.identity, *self.former):
                    self.former.append(commit.header.identity)
        return self.former

    def stands_at(self, claim: Claim) -> bool:
        """Tell whether the newest commit is that of `claim`, as far as the next claim would notice a difference."""
        return self.newest is not None and self.offsets == claim.offsets and self.schema == claim.schema

    @property
    def window(self) -> str:
        """What is being read, or would be read now, for people."""
        return self.intake.label(self.offsets)

    def advance(self, manifest: Manifest) -> None:
        """Stand behind a commit that was just made."""
        self.newest, self.index = manifest, self.index.add(manifest)
        self.log.keep(self.index)

    def agree(self, fields: dict[str, str], columns: dict[str, str]) -> bool:
        """Have the stream's schema hold what a claim needs. False means that another lane made it something else."""
        if self.agreed.covers(fields, columns):
            return True
        mine = Schema(version=self.agreed.version + 1, fields=fields, columns=columns)
        self.agreed = mine if create(self.store, self.stream.name, mine) else newest(self.store, self.stream.name)
        return self.agreed.covers(fields, columns)

    def reload(self) -> None:
        """Read the log again, because another worker went on with it. Raises ShapeChanged."""
        self.index, self.newest = self.log.opened()
        refuse_another_shape(self.stream, counting(self.store, self.stream.name, self.log))
        self.agreed = newest(self.store, self.stream.name)


@contextmanager
def open_lane(
    stream: Stream,
    suite: Suite,
    store: Store,
    intake: Intake,
    *,
    run: str,
    lane: str = layout.LANE,
    bus: EventBus | None = None,
    buffer: BufferConfig | None = None,
    lease_policy: LeasePolicy | None = None,
    patience: timedelta | None = None,
    clock: Clock | None = None,
    states: BreakerStates | None = None,
) -> Iterator[Lane]:
    """Open a lane of a stream, under a lease; first what an earlier run could not announce is announced.

    Raises LaneBusy, if the lease's holder is alive or `patience` ends; TransformMissing, LakeUnusable, ShapeChanged.
    """
    clock = clock or SystemClock()
    transform, transform_version = load_transform(stream.transform)
    versions = Versions(stream=stream.version, suite=suite.version, transform=transform_version)
    log = Log(store, stream.name, lane)
    with (
        lease(buffer, stream.name, lane, lease_policy, clock, patience),
        attempts(buffer, stream.name, lane) as counted,
    ):
        broker = Dependency("rabbitmq", DEFAULT, states or MemoryStates(), clock, RetryPolicy(attempts=1))
        opened = Lane(
            stream=stream, suite=suite, store=store, log=log, intake=intake,
            announcer=Announcer(Outbox(store, stream.name, lane), bus, broker), run=run, transform=transform,
            versions=versions, known=KnownIds(store, stream.name), clock=clock, attempts=counted,
        )  # fmt: skip
        opened.reload()
        log.sweep(opened.next_seq - 1)
        opened.announcer.announce()
        yield opened
