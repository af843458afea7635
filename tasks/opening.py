"""What it takes to open the lanes of a stream: its file, suite and lake, and the connections that a lane needs."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from blocks.api_source import api_of
from datastream.buffers.lease import LaneBusy
from datastream.buffers.redis import open_buffer
from datastream.catalog import Catalog, Stream, WebhookSpec
from datastream.connections import BufferConfig, EventBusConfig, LakeConfig
from datastream.errors import Permanent, Transient
from datastream.events.bus import open_event_bus
from datastream.events.contract import EventBus
from datastream.intake import Intake
from datastream.intake.api import api_intake
from datastream.intake.backfill import slice_intake
from datastream.intake.backfills import Backfill
from datastream.intake.webhook import webhook_intake
from datastream.lake import layout
from datastream.lake.lake import open_lake
from datastream.lake.store import Store
from datastream.lane import Lane, open_lane
from datastream.lanes import lanes_of
from datastream.quality import Suite, load_suite
from datastream.quarantine import finish, left_over, replay_intake
from datastream.resilience import BreakerStates
from datastream.settings import Settings


class BufferMissing(Permanent):
    """A stream is posted to a buffer that nobody named."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A stream, and how to open its lanes."""

    stream: Stream
    suite: Suite
    store: Store
    buffer: BufferConfig | None
    bus: EventBus | None
    states: BreakerStates
    run: str

    @classmethod
    @contextmanager
    def of(
        cls,
        name: str,
        settings: Settings,
        lake: LakeConfig | None,
        buffer: BufferConfig | None,
        events: EventBusConfig | None,
        states: BreakerStates,
        *,
        run: str,
    ) -> Iterator[Self]:
        """Read a stream as it is described now, and open lake and event bus. Raises BufferMissing."""
        stream = Catalog(settings.streams).stream(name)
        suite = load_suite(settings.expectations, stream.suite)
        if isinstance(stream.source, WebhookSpec) and buffer is None:
            raise BufferMissing(
                f"The stream {stream.name!r} is posted to the gateway, and nobody said where the gateway keeps it. Set "
                "DATASTREAM_REDIS_URL, or give the flow the block stream-buffer as its parameter `buffer`."
            )
        with open_event_bus(events or settings.events) as bus:
            store = open_lake(lake or settings.lake, states=states)
            yield cls(stream, suite, store, buffer, bus, states, run)

    def lanes(self) -> list[str]:
        """Return the names of the lanes to drain."""
        if self.buffer is None or not isinstance(self.stream.source, WebhookSpec):
            return lanes_of(self.stream, self.store, None)
        try:
            with open_buffer(self.buffer) as buffer:
                return lanes_of(self.stream, self.store, buffer)
        except Transient:  # what is decided needs no buffer, and is committed first; then a lane says that it is away
            return lanes_of(self.stream, self.store, None)

    def take(self, name: str, patience: timedelta | None = None) -> AbstractContextManager[Lane]:
        """Open a lane under its lease. Raises LaneBusy."""
        return self.take_as(self.stream, name, patience)

    def take_as(self, stream: Stream, name: str, patience: timedelta | None = None) -> AbstractContextManager[Lane]:
        """Open a lane of the stream as it is described here."""
        return self._open(stream, name, self._intake(stream, name), patience)

    def replaying(self, patience: timedelta | None = None) -> AbstractContextManager[Lane]:
        """Open the lane by which rows leave the quarantine, under its lease. Raises LaneBusy."""
        return self._open(self.stream, layout.REPLAY, replay_intake(), patience)

    def finish_replay(self) -> None:
        """Commit and announce what a replay was stopped at: the next one may never come; one at work does it itself."""
        if left_over(self.store, self.stream.name, told=self.bus is not None):
            with suppress(LaneBusy), self.replaying() as lane:
                finish(lane)

    def slices_of(self, backfill: Backfill) -> Callable[[str, timedelta], AbstractContextManager[Lane]]:
        """Return what opens a slice of a backfill under its lease. It raises LaneBusy."""

        def take(name: str, patience: timedelta) -> AbstractContextManager[Lane]:
            stream = self.stream
            intake = slice_intake(
                stream, name, backfill.again, api_of(stream), states=self.states, buffer=self.buffer, store=self.store
            )  # fmt: skip
            return self._open(stream, name, intake, patience)

        return take

    @contextmanager
    def _open(
        self, stream: Stream, name: str, intake_: AbstractContextManager[Intake], patience: timedelta | None
    ) -> Iterator[Lane]:
        with (
            intake_ as intake,
            open_lane(
                stream, self.suite, self.store, intake, run=self.run, lane=name, bus=self.bus, buffer=self.buffer,
                patience=patience, states=self.states,
            ) as lane,
        ):  # fmt: skip
            yield lane

    def _intake(self, stream: Stream, name: str) -> AbstractContextManager[Intake]:
        if not isinstance(stream.source, WebhookSpec):
            return api_intake(stream, api_of(stream), states=self.states, buffer=self.buffer, store=self.store)
        if self.buffer is None:
            raise BufferMissing(f"The stream {stream.name!r} is posted to a buffer that nobody named.")
        return webhook_intake(stream, stream.source, self.buffer, states=self.states, lane=name)
