"""`datastream up`, `down` and `status`: the whole platform on this machine."""

import os
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from deployments.cli.project import settings, settings_with_stack
from deployments.cli.show import as_json, print_json, print_table

if TYPE_CHECKING:
    from deployments.stack import ServiceStatus
    from deployments.standing import Standing


@click.command()
def up() -> None:
    """Start the platform on this machine, deploy prefect.yaml, and keep it running.

    What runs already is kept. The flights' API is a small one of our own, on this machine.
    """
    from deployments import stack
    from deployments.registration import BATCH_READY, deploy, register_automation, register_blocks

    project = settings().project
    found = stack.up(project, report=lambda progress: click.echo(str(progress)))
    os.environ.update(stack.environment(project, found))
    blocks = register_blocks(settings(), found.demo_url)
    click.echo(f"Blocks: {', '.join(blocks)}")
    deploy(project, os.environ)
    register_automation(BATCH_READY)
    click.echo("Deployed: prefect.yaml")
    _next_steps(found.prefect_url, "" if found.plain_prefect else f"{found.export}\n  ")


def _next_steps(prefect_url: str, export: str) -> None:
    click.echo(
        f"\nThe Prefect UI: {prefect_url}\n\nNow try:\n"
        f"  {export}prefect deployment run 'etl-pipeline/flights' --watch\n"
        "  datastream lake verify flights\n"
        '  datastream sql "select origin, count(*) from flights group by all"\n'
        "  datastream status\n"
        "  datastream down"
    )


@click.command()
def down() -> None:
    """Stop the platform on this machine. Its data stay."""
    from deployments import stack

    if not stack.down(settings().project, report=lambda progress: click.echo(str(progress))):
        click.echo("Nothing was running.")


@click.command()
@as_json
def status(json_: bool) -> None:
    """Show what runs and how each stream stands.

    Exits with 1 if a part of the platform does not run; one that it can do without is only named.
    """
    from deployments import stack
    from deployments.standing import standings

    found = settings_with_stack()
    parts = stack.status(found.project)
    streams = list(standings(found))
    if json_:
        print_json({"parts": [_part(part) for part in parts], "streams": [_stream(stream) for stream in streams]})
    else:
        _show_parts(parts)
        _show_streams(streams)
    if not all(part.running or part.absent for part in parts):
        raise SystemExit(1)


def _show_parts(parts: "list[ServiceStatus]") -> None:
    shown = [(p.title, p.running, p.address, _short(p.since)) for p in parts]
    print_table(("part", "running", "address", "since"), shown)
    for part in parts:
        if part.absent:
            click.echo(f"{part.title} is left out: {part.absent}")


def _show_streams(streams: "list[Standing]") -> None:
    columns = ("stream", "comes by", "waiting", "commits", "last commit", "age", "unannounced", "incidents")
    shown = [
        (s.stream, s.kind, s.waiting, s.commits, _short(s.last_commit), _age(s.age), s.unannounced, s.incidents)
        for s in streams
    ]
    print_table(columns, shown)
    for standing in streams:
        if standing.problem:
            click.echo(f"{standing.stream}: {standing.problem}", err=True)


def _part(part: "ServiceStatus") -> dict[str, object]:
    where = {"address": part.address, "pid": part.pid, "since": part.since, "log": str(part.log)}
    return {"part": part.title, "running": part.running, **where, "absent": part.absent}


def _stream(standing: "Standing") -> dict[str, object]:
    seconds = standing.age.total_seconds() if standing.age is not None else None
    return {**asdict(standing), "age": seconds}


def _age(age: timedelta | None) -> str:
    return "" if age is None else str(timedelta(seconds=int(age.total_seconds())))


def _short(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""
