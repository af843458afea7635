"""Opens a stream for a run: its file, suite and connections, its lanes under their leases, and the run's report."""

import random
from collections.abc import Iterator
from contextlib import closing, contextmanager

from prefect.runtime import flow_run

from blocks import DataLake, EventBus, StreamBuffer
from datastream.buffers.breakers import breaker_states
from datastream.buffers.lease import LeasePolicy
from datastream.clock import SystemClock
from datastream.lane import Lane
from datastream.lanes import begun_at, free_lanes
from datastream.settings import Settings
from tasks.logs import sentences_only
from tasks.opening import Opening
from tasks.report import Report
from tasks.showing import Showing


@contextmanager
def open_stream(
    name: str, lake: DataLake | None, buffer: StreamBuffer | None, events: EventBus | None
) -> Iterator[tuple[Iterator[Lane], Report]]:
    """Open a stream, and yield its free lanes, one after another. The report is published when the last is closed."""
    clock = SystemClock()
    with opening_of_run(name, lake, buffer, events) as opening:
        opening.finish_replay()
        report = Report(opening.stream, opening.suite, opening.store.address(""), clock, Showing(opening.states))
        names = begun_at(opening.lanes(), random.random())  # noqa: S311 - where to begin is no secret
        with closing(free_lanes(names, opening.take, LeasePolicy(), clock)) as lanes:
            yield lanes, report
        report.publish()


@contextmanager
def opening_of_run(
    name: str, lake: DataLake | None, buffer: StreamBuffer | None, events: EventBus | None
) -> Iterator[Opening]:
    """Open a stream for a flow's run, by the settings where no block says otherwise."""
    sentences_only()
    settings = Settings.read()
    kept = buffer or settings.buffer
    with (
        breaker_states(kept) as states,
        Opening.of(name, settings, lake, kept, events, states, run=flow_run.id or "by hand") as opening,
    ):
        yield opening
