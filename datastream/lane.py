"""A lane of a stream while it is drained: its parts, opened and closed together, and how far its log has come."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from datastream.buffers.lease import LeasePolicy, lease
from datastream.catalog import Stream
from datastream.claim import Claim
from datastream.clock import Clock, SystemClock
from datastream.connections import ApiConfig, BufferConfig
from datastream.errors import Permanent
from datastream.identity import identity_of
from datastream.lake.duplicates import KnownIds
from datastream.lake.log import Log
from datastream.lake.manifest import Manifest, Versions
from datastream.lake.store import Store
from datastream.quality import Suite
from datastream.resilience import BreakerStates
from datastream.sources.claims import Offsets
from datastream.sources.client import ApiClient, open_api
from datastream.sources.window import open_window
from datastream.transform import Transform, load_transform


class IdentityChanged(Permanent):
    """A stream with data has another key or cursor than before."""


class Lane(msgspec.Struct, eq=False):
    """One lane of a stream while it is drained: its parts, and how far its log has come."""

    stream: Stream
    suite: Suite
    store: Store
    log: Log
    api: ApiClient
    run: str
    transform: Transform
    versions: Versions
    known: KnownIds
    newest: Manifest | None
    clock: Clock

    @property
    def offsets(self) -> Offsets:
        """How far the log says the lane has come."""
        return msgspec.convert(self.newest.header.offsets, Offsets) if self.newest else Offsets()

    @property
    def next_seq(self) -> int:
        """The number of the next commit."""
        return self.newest.header.seq + 1 if self.newest else 1

    def stands_at(self, claim: Claim) -> bool:
        """Tell whether the newest commit is that of `claim`, as far as the next claim would notice a difference."""
        return self.newest is not None and self.offsets == claim.offsets and self.newest.header.schema == claim.schema

    @property
    def window(self) -> str:
        """The window that is open, or would be opened now, for people."""
        window = self.offsets.window or open_window(self.stream, self.offsets.cursor, self.clock.now())
        return window.label

    def reload(self) -> None:
        """Read the log again, because another worker went on with it."""
        commits = list(self.log.manifests())
        self.newest = commits[-1] if commits else None
        self.known = KnownIds(self.store, commits)


@contextmanager
def open_lane(
    stream: Stream,
    suite: Suite,
    store: Store,
    api: ApiConfig,
    *,
    run: str,
    buffer: BufferConfig | None = None,
    lease_policy: LeasePolicy | None = None,
    clock: Clock | None = None,
    states: BreakerStates | None = None,
) -> Iterator[Lane]:
    """Open the lane of an API stream, under a lease. Raises LaneBusy, TransformMissing, LakeUnusable."""
    clock = clock or SystemClock()
    transform, transform_version = load_transform(stream.transform)
    versions = Versions(stream=stream.version, suite=suite.version, transform=transform_version)
    log = Log(store, stream.name)
    with lease(buffer, stream.name, log.lane, lease_policy, clock), open_api(api, clock, states) as client:
        log.sweep()
        lane = Lane(
            stream=stream, suite=suite, store=store, log=log, api=client, run=run, transform=transform,
            versions=versions, known=KnownIds(store, []), newest=None, clock=clock,
        )  # fmt: skip
        lane.reload()
        _refuse_another_identity(lane)
        yield lane


def _refuse_another_identity(lane: Lane) -> None:
    """Refuse to go on where every record would be taken for a new one."""
    before, now = lane.newest.header.identity if lane.newest else None, identity_of(lane.stream)
    if before not in (None, now):
        raise IdentityChanged(
            f"What tells the records of {lane.stream.name!r} apart was {before} when they were committed, and is {now} "
            "in its file: everything would be loaded again. Put key and source.cursor back, or give the stream "
            "another name."
        )
