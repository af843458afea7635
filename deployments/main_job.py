"""What `make run` does: the main job on real flights, from nothing to a summary, through Prefect.

The run goes through its deployment and work pool like any other. What is shown is counted from the lake's log, and
the exit code is 0 only if the accounts balance and every file agrees with them.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from datastream.errors import DatastreamError, Permanent

if TYPE_CHECKING:
    from deployments.stack import Stack

STREAM = "flights"
DEPLOYMENT = f"etl-pipeline/{STREAM}"


class MainJobFailed(Permanent):
    """The run did not complete, or its accounts do not balance."""


def main() -> None:
    """Run the main job. Exits with 0 if the accounts balance, else with 1 and a sentence."""
    try:
        run()
    except DatastreamError as error:
        click.echo(f"\ndatastream: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("\nStopped. Nothing is lost: `make run` goes on where this ended.", err=True)
        sys.exit(130)


def run() -> None:
    """Start the stack, run the deployment, show the summary; stop the stack if it was not running before."""
    from datastream.settings import Settings
    from deployments import stack

    project = Settings.read().project
    kept = any(part.running for part in stack.status(project))
    try:
        found = stack.up(project, report=lambda progress: click.echo(str(progress)))
        os.environ.update(stack.environment(project, found))
        job(project, found, scheduled=kept)
    finally:
        if not kept:
            stack.down(project)
    kept_or_not = "is still up" if kept else "is stopped; `.venv/bin/datastream up` brings it back"
    click.echo(f"Prefect UI: {found.prefect_url} (the stack {kept_or_not})")


def job(project: Path, found: "Stack", *, scheduled: bool) -> None:
    """Register, deploy, run, and show what became of the records. Raises MainJobFailed.

    Without `scheduled` the schedules rest, so that no other run takes what this one is to show.
    """
    from datastream.lake.lake import open_lake
    from datastream.settings import Settings
    from deployments.registration import deploy, register_blocks, rest_schedules
    from deployments.summary import print_summary
    from deployments.watch import run_deployment

    lake = Settings.read().lake
    blocks = register_blocks(lake.uri, found.demo_url)
    deploy(project, os.environ)
    if not scheduled:
        rest_schedules()
    click.echo(f"Blocks {' and '.join(blocks)} registered, prefect.yaml deployed.")
    done = run_deployment(DEPLOYMENT, f"{found.prefect_url}/runs/flow-run")
    if not print_summary(open_lake(lake), STREAM, done):
        raise MainJobFailed(
            f"The accounts of {STREAM} do not balance, or a file differs from the log: see above, and "
            f"`.venv/bin/datastream lake verify {STREAM}`."
        )


if __name__ == "__main__":
    main()
