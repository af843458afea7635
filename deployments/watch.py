"""Runs a deployment and shows its progress until it ends."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import click

from datastream.errors import Permanent
from deployments.prefect_api import prefect_client

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

_POLL_SECONDS = 0.5


class RunFailed(Permanent):
    """A flow run did not complete."""


class Shown(Protocol):
    """Where progress is shown."""

    def __call__(self, percent: float, said: str, state: str) -> None:
        """Show how far a run is, what it says, and its state."""


@dataclass(frozen=True, slots=True)
class Done:
    """A flow run that completed."""

    run: str
    took: timedelta


def run_deployment(name: str, ui: str) -> Done:
    """Run a deployment to its end. Raises RunFailed with what the run said.

    A run that finds its lane drained by another yields; it is run again, so that what this returns was done.
    """
    with prefect_client() as client:
        deployment = client.read_deployment_by_name(name)
        while True:
            started = client.create_flow_run_from_deployment(deployment.id)
            click.echo(f"{name} runs: {ui}/{started.id}")
            with progress() as show:
                ended = _wait(client, started.id, show)
            if ended.state_name != "Yielded":
                break
    if ended.state is None or not ended.state.is_completed():
        said = ended.state.message if ended.state else "no state"
        raise RunFailed(f"The run {ended.name!r} of {name} ended as {ended.state_name}: {said}")
    return Done(run=str(ended.id), took=ended.total_run_time)


def _wait(client: "SyncPrefectClient", run: UUID, show: Shown) -> "FlowRun":
    while True:
        found = client.read_flow_run(run)
        show(*_percent(client, run), found.state_name or "")
        if found.state is not None and found.state.is_final():
            return found
        time.sleep(_POLL_SECONDS)


def _percent(client: "SyncPrefectClient", run: UUID) -> tuple[float, str]:
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterType

    wanted = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]), type=ArtifactFilterType(any_=["progress"]))
    found = client.read_artifacts(artifact_filter=wanted)
    if not found:
        return 0.0, ""
    percent = found[0].data
    return float(percent) if isinstance(percent, int | float) else 0.0, found[0].description or ""


@contextmanager
def progress() -> Iterator[Shown]:
    """Show a bar that moves on a terminal, and a line for each change elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    console = Console()
    if not console.is_terminal:
        yield _Lines()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.fields[state]:9}"),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    said = TextColumn("{task.description}", table_column=Column(no_wrap=False))
    with Progress(*columns, said, console=console) as bar:
        task = bar.add_task("", total=100.0, state="")
        yield lambda percent, said, state: bar.update(task, completed=percent, description=said, state=state)


class _Lines:
    """Progress where no terminal can redraw a bar."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, percent: float, said: str, state: str) -> None:
        line = f"  {state:9} {percent:5.1f} %  {said}".rstrip()
        if line != self._last:
            click.echo(line)
            self._last = line
