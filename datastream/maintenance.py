"""Keeps a stream's files up, under leases: expire, compact, sweep, and a look at whether all is there.

The leases save double work and nothing else; without them the first rewrite of a number wins. Whatever is stopped
half way is taken up by the next run.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import msgspec

from datastream.buffers.lease import LeasePolicy, lease
from datastream.catalog import Compact, Stream, Upkeep
from datastream.clock import Clock, SystemClock
from datastream.connections import BufferConfig
from datastream.errors import Permanent
from datastream.intake.backfills import refuse_unfinished
from datastream.lake import fragments, layout, upkeep
from datastream.lake.log import Log
from datastream.lake.rewrite import Gone, Rewrite
from datastream.lake.store import Store
from datastream.lake.upkeep import SweepPolicy, Swept
from datastream.lake.upkeep.match import Key
from datastream.lake.verify import verify
from datastream.observe.crash import step
from datastream.ranges import BACKFILLS

_LANE = "maintenance"


class NotAskedFor(Permanent):
    """A stream's file does not ask for what a command is to do."""


class Done(msgspec.Struct, frozen=True):
    """What maintenance did to a stream, and what it found."""

    stream: str
    expired: Rewrite | None
    compacted: list[Rewrite]
    swept: Swept
    problems: list[str]
    strangers: list[str]

    @property
    def rows(self) -> list[dict[str, str]]:
        """A line for each step, for people."""
        gone = self.expired.gone if self.expired else Gone()
        folded = sum(each.commits for each in self.expired.folded.values()) if self.expired else 0
        return [
            {"step": "expire", "did": f"{gone.data:,} rows of data and {gone.quarantined:,} of quarantine have left"},
            {"step": "fold the log", "did": f"{folded:,} commits without rows are a sum now"},
            {"step": "compact", "did": told(self.compacted)},
            {
                "step": "sweep",
                "did": f"{self.swept.files:,} replaced files, {self.swept.orphans:,} left over from dead runs, and "
                f"{self.swept.manifests:,} manifests are deleted",
            },
            {"step": "verify", "did": "; ".join(self.problems) or "every file that counts is there"},
            {"step": "strangers", "did": ", ".join(self.strangers) or "none"},
        ]


def maintain(
    stream: Stream | Upkeep,
    store: Store,
    *,
    run: str,
    buffer: BufferConfig | None = None,
    clock: Clock | None = None,
    policy: SweepPolicy | None = None,
    lease_policy: LeasePolicy | None = None,
) -> Done:
    """Do what the stream's file asks for, and delete what nobody needs any more. Raises LaneBusy and FileBroken."""
    now = (clock or SystemClock()).now()
    with lease(buffer, stream.name, _LANE, lease_policy, clock):
        with step("expire"):
            expired = upkeep.expire(store, stream.name, stream.retention, now, run)
        with step("compact"):
            compacted = _compacted(stream, store, run, clock) if stream.compact else []
        with step("sweep"):
            swept = upkeep.sweep(store, stream.name, now, run, policy)
        found = verify(store, stream.name, rows=False)
    return Done(stream.name, expired, compacted, swept, found.problems, found.strangers)


def compact(
    stream: Stream | Upkeep, store: Store, *, run: str, buffer: BufferConfig | None = None, clock: Clock | None = None
) -> list[Rewrite]:
    """Put together what is due now. Raises NotAskedFor, LaneBusy and FileBroken."""
    if stream.compact is None:
        raise NotAskedFor(
            f"streams/{stream.name}.yaml does not ask for compaction. It makes a plain glob over the data wrong, since "
            "replaced files stay for a day: read by SQL or `read` from then on, and add `compact: {}` to the file."
        )
    with lease(buffer, stream.name, _LANE, clock=clock):
        return _compacted(stream, store, run, clock)


def forget(
    stream: str, store: Store, key: Key, *, run: str, buffer: BufferConfig | None = None, clock: Clock | None = None
) -> Rewrite | None:
    """Remove all rows of a key while nobody loads the stream.

    Raises LaneBusy, BackfillUnfinished, PlanOpen, KeyUnknown and FileBroken.
    """
    with _all_lanes(stream, store, buffer, clock):
        gone = upkeep.forget(store, stream, key, (clock or SystemClock()).now(), run)
        fragments.forget(store, stream)  # the quality page may show one of its rows
        return gone


def told(rewrites: list[Rewrite]) -> str:
    """Return what compaction did, in a sentence."""
    before = sum(len(swap.removes) for rewrite in rewrites for swap in rewrite.swaps)
    after = sum(len(swap.adds) for rewrite in rewrites for swap in rewrite.swaps)
    moved = sum(rewrite.moved for rewrite in rewrites)
    return (
        f"{before:,} files became {after:,}, with {moved:,} rows" if rewrites else "there was nothing to put together"
    )


def _compacted(stream: Stream | Upkeep, store: Store, run: str, clock: Clock | None) -> list[Rewrite]:
    policy = stream.compact or Compact()
    return upkeep.compact(store, stream.name, policy, stream.retention, (clock or SystemClock()).now(), run)


@contextmanager
def _all_lanes(stream: str, store: Store, buffer: BufferConfig | None, clock: Clock | None) -> Iterator[None]:
    with ExitStack() as held:
        # The lanes of backfills that are done are loaded no more, and no new one is registered meanwhile.
        for lane in (_LANE, BACKFILLS, layout.REPLAY, *filter(str.isdecimal, store.folders(layout.log_of(stream)))):
            held.enter_context(lease(buffer, stream, lane, clock=clock))
        refuse_unfinished(Log(store, stream).newest(), stream)
        yield
