"""Asks a run's questions about what a stream committed; keeps and tells the answers, and shows them in Prefect's UI."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from uuid import NAMESPACE_URL, uuid5

import msgspec
from prefect import get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from blocks import DataLake, EventBus, StreamBuffer
from datastream.buffers.breakers import breaker_states
from datastream.catalog import Stream
from datastream.connections import BufferConfig
from datastream.errors import DatastreamError
from datastream.events.bus import open_alerts, open_event_bus
from datastream.health.ledger import Told
from datastream.health.looking import check_stream
from datastream.lake.store import Store
from datastream.quality.check import Check, told
from datastream.quality.incidents import Change
from datastream.report.writing import write
from datastream.settings import Settings
from tasks.progress import artifact_key
from tasks.reading import read_stream
from tasks.schedule import schedule_of
from tasks.showing import Showing, runs_at

_COLUMNS = ("check", "subject", "result", "expected", "observed")
"""In this order, because the table of the UI is cut off on the right."""


class Asked(msgspec.Struct, frozen=True):
    """What checks said of a stream, and the incidents that this opened or closed."""

    stream: str
    checks: list[Check]
    changes: list[Change]
    page: str | None = None
    """Where the quality page lies; None where it could not be written."""


@task(task_run_name="ask {name}", cache_policy=NO_CACHE, persist_result=False)
def ask(name: str, lake: DataLake | None, buffer: StreamBuffer | None, events: EventBus | None) -> Asked:
    """Ask whether what was committed is as the stream's file and its past say; keep it, and tell what changed."""
    stream, store, settings = read_stream(name, lake)
    kept = buffer or settings.buffer
    planned = Showing()(lambda: schedule_of(name))
    with _told(settings, kept, events) as to:
        checks, changes = check_stream(
            stream, store, run=flow_run.id or "by hand", told=to, buffer=kept, planned=planned
        )  # fmt: skip
    return Asked(name, checks, changes, _page(stream, store))


def show(asked: Asked) -> State[None]:
    """Show a line a check, and return the state in which the run ends."""
    said = told(asked.stream, asked.checks)
    for check in asked.checks:
        missed = check.result == "not met"
        get_run_logger().log(logging.WARNING if missed else logging.INFO, "%s: %s", check.result, check)
    for change in asked.changes:
        get_run_logger().warning("incident %s: %s", change.what, change.incident.id)
        Showing()(partial(_emit, asked.stream, change))
    table = [_row(check) for check in asked.checks]
    page = f"\n\nAll of it: {asked.page}, and /quality of the gateway." if asked.page else ""
    create_table_artifact(table, key=artifact_key(asked.stream, "checks"), description=f"{said}{page}")
    failed = any(check.result == "not met" for check in asked.checks)
    return Failed(message=said) if failed else Completed(message=said)


def _page(stream: Stream, store: Store) -> str | None:
    """Write the quality page, and return its address. The checks are kept already: a lake in trouble fails no run."""
    try:
        return write(store, {stream.name: stream}, runs_at())
    except (DatastreamError, OSError) as error:
        get_run_logger().warning("The quality page was not written: %s", error)
        return None


@contextmanager
def _told(settings: Settings, buffer: BufferConfig | None, events: EventBus | None) -> Iterator[Told]:
    with (
        breaker_states(buffer) as states,
        open_event_bus(events or settings.events) as bus,
        open_alerts(settings.alerts) as alerts,
    ):
        yield Told(bus, alerts, states)


def _row(check: Check) -> dict[str, str]:
    row = {column: str(getattr(check, column)) for column in _COLUMNS}
    return {**row, "observed": check.observed + check.note, "incident": check.incident}


def _emit(stream: str, change: Change) -> None:
    """Tell Prefect's automations. Who needs to be told for sure listens to the event bus, or has a webhook."""
    incident = change.incident
    emit_event(
        f"datastream.incident-{change.what}",
        resource={
            "prefect.resource.id": f"datastream.stream.{stream}",
            "prefect.resource.name": stream,
            "datastream.check": incident.check,
            "datastream.subject": incident.subject,
        },
        payload=msgspec.to_builtins(incident),
        id=uuid5(NAMESPACE_URL, f"{change.what}:{incident.id}"),
    )
