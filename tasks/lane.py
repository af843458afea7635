"""Opens a stream for a run: its file, suite and connections, the lane under its lease, and the run's report."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from blocks import DataLake
from blocks.api_source import api_of
from datastream.buffers.breakers import breaker_states
from datastream.catalog import Catalog
from datastream.lake.lake import open_lake
from datastream.lane import Lane, open_lane
from datastream.quality import load_suite
from datastream.settings import Settings
from tasks.logs import sentences_only
from tasks.report import Report


@contextmanager
def open_stream(name: str, lake: DataLake | None) -> Iterator[tuple[Lane, Report]]:
    """Open a stream's lane, and call the run after its window. The report is published when the lane is closed."""
    sentences_only()
    settings = Settings.read()
    stream = Catalog(settings.streams).stream(name)
    suite = load_suite(settings.expectations, stream.suite)
    api, run = api_of(stream), flow_run.id or "by hand"
    with breaker_states(settings.buffer) as states:
        store = open_lake(lake or settings.lake, states=states)
        with open_lane(stream, suite, store, api, run=run, buffer=settings.buffer, states=states) as lane:
            _name_the_run(f"{name} {lane.window}")
            report = Report(lane)
            yield lane, report
            report.publish()


def _name_the_run(name: str) -> None:
    with get_client(sync_client=True) as client:
        client.update_flow_run(flow_run.id, name=name)
