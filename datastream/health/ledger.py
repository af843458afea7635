"""A stream's lane in `_quality`, for whoever goes on with it: what is known, and how it is committed and told.

It is the commit protocol of all streams: a plan, files, a manifest, each created once. The lease saves double work and
nothing else.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from datastream.announce import Announcer, Outbox
from datastream.buffers.lease import LeasePolicy, lease
from datastream.catalog import Stream
from datastream.clock import Clock, SystemClock
from datastream.connections import BufferConfig
from datastream.errors import Transient
from datastream.events.contract import EventBus
from datastream.health.state import Memory, State
from datastream.health.table import DESCRIBED, decision
from datastream.health.telling import incident_events
from datastream.lake import layout, writer
from datastream.lake.encoding import planned
from datastream.lake.log import Log
from datastream.lake.manifest import Manifest
from datastream.lake.plan import Plan
from datastream.lake.schemas import Schema, create
from datastream.lake.store import Store
from datastream.observe.crash import step
from datastream.quality.check import Check
from datastream.quality.figures import Figures
from datastream.quality.incidents import Incidents
from datastream.resilience import DEFAULT, BreakerStates, Dependency, MemoryStates, RetryPolicy

_ALERTS = "alerts"
_TRIES = 5


class Overtaken(Transient):
    """Other workers committed to the lane each time before we could."""


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told of incidents; each may be missing."""

    bus: EventBus | None = None
    alerts: EventBus | None = None
    states: BreakerStates | None = None


class Ledger:
    """The lane. It is opened by `open_ledger`."""

    def __init__(self, stream: Stream, store: Store, run: str, told: Told, clock: Clock) -> None:
        self.stream, self._store, self._run = stream, store, run
        self._log = Log(store, layout.QUALITY, stream.name)
        self._index, self._newest = self._log.opened()
        if told.alerts is not None:
            self._begin_alerts()
        self._announcers = list(self._told(told, clock))

    def state(self) -> State:
        """Return what is known now, to be changed and committed. Raises StateTooNew."""
        if self._newest is not None:
            return State.of(self._newest.header.offsets)
        figures = Figures(window=self.stream.quality.volume.window)
        return State(upto={}, incidents=Incidents(stream=self.stream.name), memory=Memory(figures=figures))

    def commit(self, state: State, now: datetime, checks: Sequence[Check] = ()) -> Manifest | None:
        """Make the state what is known from now on. None means that another worker was faster: it is looked at anew."""
        state.memory.trim(now)
        seq = self._newest.header.seq + 1 if self._newest else 1
        mine = planned(decision(self.stream, seq, self._run, now, checks, state))
        with step("decide"):
            holding = self._log.decide(mine)
        if holding is None:
            self._reload()
            return None
        made = self._complete(holding)
        return made if made.header.decision == mine.header.decision else None

    def begin(self) -> None:
        """Complete what an earlier run decided, and tell what it could not tell."""
        create(self._store, layout.QUALITY, Schema(version=1, columns=DESCRIBED))
        plan = self._log.open_plan(self._newest.header.seq + 1 if self._newest else 1)
        if plan is not None:
            self._complete(plan)
        self._log.sweep(self._newest.header.seq if self._newest else 0)
        self.tell()

    def until(self, committed: Callable[[], bool]) -> None:
        """Try until something is committed that was made of what is known by then. Raises Overtaken."""
        for _ in range(_TRIES):
            if committed():
                return
        raise Overtaken(
            f"Other runs committed what they know of {self.stream.name} {_TRIES} times before this one could. Nothing "
            "was done; say it again."
        )

    def tell(self) -> None:
        """Tell whoever is to be told what they were not told yet. One that is away is told by a later run."""
        for announcer in self._announcers:
            announcer.announce()

    def _told(self, told: Told, clock: Clock) -> Iterator[Announcer]:
        states = told.states or MemoryStates()
        for to, bus, name in (("events", told.bus, "rabbitmq"), (_ALERTS, told.alerts, "alerts")):
            dependency = Dependency(name, DEFAULT, states, clock, RetryPolicy(attempts=1))
            yield Announcer(Outbox(self._store, layout.QUALITY, self.stream.name, to), bus, dependency, incident_events)

    def _begin_alerts(self) -> None:
        """Have a receiver that was never told anything begin here: nobody wants a year of old alerts."""
        outbox = Outbox(self._store, layout.QUALITY, self.stream.name, _ALERTS)
        seq = self._newest.header.seq if self._newest else 0
        if not outbox.begun:
            outbox.move(seq)
        elif outbox.position < seq and self._log.manifest(outbox.position + 1) is None:
            outbox.move(self._log.sequences()[0] - 1)  # what waited for longer than rows are kept is folded away

    def _complete(self, plan: Plan) -> Manifest:
        with step("write"):
            manifest = writer.write(self._store, plan)
        with step("commit"):
            made = self._log.commit(manifest)
        with step("settle"):
            self._log.settle(made.header.seq)
            self._newest, self._index = made, self._index.add(made)
            self._log.keep(self._index)
        return made

    def _reload(self) -> None:
        self._index, self._newest = self._log.opened()


@contextmanager
def open_ledger(
    stream: Stream,
    store: Store,
    *,
    run: str,
    told: Told | None = None,
    buffer: BufferConfig | None = None,
    clock: Clock | None = None,
    lease_policy: LeasePolicy | None = None,
) -> Iterator[Ledger]:
    """Open a stream's lane in `_quality` under its lease. Raises LaneBusy and StateTooNew."""
    clock = clock or SystemClock()
    with lease(buffer, layout.QUALITY, stream.name, lease_policy, clock):
        ledger = Ledger(stream, store, run, told or Told(), clock)
        ledger.begin()
        yield ledger
        ledger.tell()
