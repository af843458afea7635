"""Opens a stream for a run: its file, suite and connections, the lane under its lease, and the run's report."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from blocks import DataLake, EventBus, StreamBuffer
from blocks.api_source import api_of
from datastream.buffers.breakers import breaker_states
from datastream.catalog import Catalog, Stream, WebhookSpec
from datastream.connections import BufferConfig
from datastream.errors import Permanent
from datastream.events.bus import open_event_bus
from datastream.intake import Intake
from datastream.intake.api import api_intake
from datastream.intake.webhook import webhook_intake
from datastream.lake.lake import open_lake
from datastream.lane import Lane, open_lane
from datastream.quality import load_suite
from datastream.resilience import BreakerStates
from datastream.settings import Settings
from tasks.logs import sentences_only
from tasks.report import Report
from tasks.showing import Showing


class BufferMissing(Permanent):
    """A stream is posted to a buffer that nobody named."""


@contextmanager
def open_stream(
    name: str, lake: DataLake | None, buffer: StreamBuffer | None, events: EventBus | None
) -> Iterator[tuple[Lane, Report]]:
    """Open a stream's lane, and call the run after its window. The report is published when the lane is closed."""
    sentences_only()
    settings = Settings.read()
    stream = Catalog(settings.streams).stream(name)
    suite = load_suite(settings.expectations, stream.suite)
    kept, run = buffer or settings.buffer, flow_run.id or "by hand"
    with breaker_states(kept) as states, open_event_bus(events or settings.events) as bus:
        store = open_lake(lake or settings.lake, states=states)
        with (
            _intake(stream, kept, states) as intake,
            open_lane(stream, suite, store, intake, run=run, bus=bus, buffer=kept, states=states) as lane,
        ):
            showing = Showing(states)
            showing(lambda: _name_the_run(f"{name} {lane.window}"))
            report = Report(lane, showing)
            yield lane, report
            report.publish()


def _intake(stream: Stream, buffer: BufferConfig | None, states: BreakerStates) -> AbstractContextManager[Intake]:
    if not isinstance(stream.source, WebhookSpec):
        return api_intake(stream, api_of(stream), states=states)
    if buffer is None:
        raise BufferMissing(
            f"The stream {stream.name!r} is posted to the gateway, and nobody said where the gateway keeps it. Set "
            "DATASTREAM_REDIS_URL, or give the flow the block stream-buffer as its parameter `buffer`."
        )
    return webhook_intake(stream, stream.source, buffer, states=states)


def _name_the_run(name: str) -> None:
    with get_client(sync_client=True) as client:
        client.update_flow_run(flow_run.id, name=name)
