"""A lane of a stream while it is drained: its parts, opened and closed together, and how far its log has come."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import msgspec

from datastream.announce import Announcer, Outbox
from datastream.buffers.lease import LeasePolicy, lease
from datastream.catalog import Stream
from datastream.claim import Claim
from datastream.clock import Clock, SystemClock
from datastream.connections import BufferConfig
from datastream.decision import Place
from datastream.events.contract import EventBus
from datastream.identity import identity_of
from datastream.intake import Intake
from datastream.lake import layout
from datastream.lake.duplicates import KnownIds
from datastream.lake.index import Index
from datastream.lake.log import Log
from datastream.lake.manifest import Header, Manifest, Shape, Versions
from datastream.lake.schemas import Schema, create, newest
from datastream.lake.store import Store
from datastream.quality import Suite
from datastream.resilience import DEFAULT, BreakerStates, Dependency, MemoryStates, RetryPolicy
from datastream.shape import refuse_another_shape, shape_of
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
    shape: Shape
    """How the stream's rows are laid out now."""
    index: Index = Index()
    newest: Manifest | None = None
    """The last commit."""
    agreed: Schema = Schema()
    """What the stream's lanes agree on."""
    _siblings: list[tuple[Log, Index]] | None = None

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

    @property
    def siblings(self) -> list[tuple[Log, Index]]:
        """The stream's other lanes, as they stood when they were first asked for."""
        if self._siblings is None:
            names = self.store.folders(layout.log_of(self.stream.name))
            logs = [Log(self.store, self.stream.name, name) for name in names if name != self.name]
            self._siblings = [(log, log.opened()[0]) for log in logs]
        return self._siblings

    @property
    def place(self) -> Place:
        """Where in the log the next decision belongs, and who takes it."""
        before = self.newest.header.watermark if self.newest else None
        return Place(self.name, self.next_seq, self.run, self.versions, self.shape, before)

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
        """Read the log again, because another worker went on with it."""
        self.index, self.newest = self.log.opened()
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
    with lease(buffer, stream.name, lane, lease_policy, clock, patience):
        broker = Dependency("rabbitmq", DEFAULT, states or MemoryStates(), clock, RetryPolicy(attempts=1))
        opened = Lane(
            stream=stream, suite=suite, store=store, log=log, intake=intake,
            announcer=Announcer(Outbox(store, stream.name, lane), bus, broker), run=run, transform=transform,
            versions=versions, known=KnownIds(store, stream.name), clock=clock, shape=shape_of(stream),
        )  # fmt: skip
        opened.reload()
        log.sweep(opened.next_seq - 1)
        opened.shape = refuse_another_shape(stream, _shaped_by(opened))
        opened.announcer.announce()
        yield opened


def _shaped_by(lane: Lane) -> Header | None:
    """Return what says how the stream's rows are laid out: the newest commit of its first lane, or a first decision."""
    if lane.name != layout.LANE:
        first = Log(lane.store, lane.stream.name).newest()
        if first is not None:
            return first.header
    # A plan may be the first of all, and the stream may have become another since.
    decided = lane.log.plan(lane.next_seq)
    return decided.header if decided else lane.newest.header if lane.newest else None
