"""`datastream up`, `down` and `status`: the whole platform on this machine."""

import os
import sys
from contextlib import closing, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from deployments.cli.deploy import show
from deployments.cli.project import settings, settings_with_stack
from deployments.cli.show import as_json, print_json, print_table, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datastream.settings import Settings
    from deployments.overview import Overview
    from deployments.stack import ServiceStatus
    from deployments.standing import Standing


@click.command()
@click.option("--detach", "-d", is_flag=True, help="Return when it is up, without the live view.")
def up(detach: bool) -> None:
    """Start the platform on this machine, deploy prefect.yaml, and keep it running.

    What runs already is kept. On a terminal a live view follows, which Ctrl-C leaves: the platform goes on until
    `datastream down`. The flights' API is a small one of our own, on this machine.
    """
    from deployments import stack
    from deployments.registration import deploy, register_blocks

    project = settings().project
    found = stack.up(project, report=lambda progress: click.echo(str(progress)))
    os.environ.update(stack.environment(project, found))
    blocks = register_blocks(settings(), found.demo_url)
    click.echo(f"Blocks: {', '.join(blocks)}")
    show(deploy(settings()), json_=False, applied=True)
    _next_steps(found.prefect_url, "" if found.plain_prefect else f"{found.export}\n  ")
    if not detach and sys.stdout.isatty():
        click.echo("\nCtrl-C leaves this view, and the platform goes on. `datastream status --watch` shows it again.")
        _watch(settings())


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
@click.option("--watch", "watched", is_flag=True, help="Show it again every 2 s, until Ctrl-C.")
@as_json
def status(watched: bool, json_: bool) -> None:
    """Show what runs and how each stream stands.

    Exits with 1 if a part of the platform does not run; one that it can do without is only named.
    """
    from deployments import stack

    if watched and json_:
        raise click.UsageError("--watch is for people, and --json for machines. Leave one of them out.")
    found = settings_with_stack()
    if watched:
        _watch(found)
        return
    parts, seen = stack.status(found.project), _look(found)
    if json_:
        print_json({"parts": [_part(part) for part in parts], **_seen(seen)})
    else:
        for columns, rows in _tables(parts, seen):
            print_table(columns, rows)
        for line in _lines(parts, seen):
            click.echo(line)
        for line in seen.troubles:
            click.echo(line, err=True)
    if not all(part.running or part.absent for part in parts):
        raise SystemExit(1)


def _look(found: "Settings") -> "Overview":
    from datastream.clock import SystemClock
    from deployments.keeper.server import Server
    from deployments.overview import look

    url = os.environ.get("PREFECT_API_URL")
    if not url:
        return look(found, SystemClock())
    with closing(Server(url, login=os.environ.get("PREFECT_API_AUTH_STRING"))) as server:
        return look(found, SystemClock(), server.post)


def _watch(found: "Settings") -> None:
    from rich.console import Group
    from rich.text import Text

    from deployments import stack
    from deployments.cli.watching import watch

    def drawn() -> Group:
        parts, seen = stack.status(found.project), _look(found)
        tables = [table(columns, rows) for columns, rows in _tables(parts, seen)]
        return Group(
            *tables, *map(Text, (*_lines(parts, seen), *seen.troubles)), Text(f"{seen.at:%H:%M:%S} UTC", style="dim")
        )

    with suppress(KeyboardInterrupt):
        watch(drawn)


def _tables(parts: "list[ServiceStatus]", seen: "Overview") -> "list[tuple[Sequence[str], Sequence[Sequence[Any]]]]":
    from deployments.overview import COLUMNS

    shown = [(p.title, p.running, p.address, f"{p.since:%Y-%m-%d %H:%M:%S}" if p.since else "") for p in parts]
    return [(("part", "running", "address", "since"), shown), (COLUMNS, seen.rows)]


def _lines(parts: "list[ServiceStatus]", seen: "Overview") -> list[str]:
    return [*(f"{part.title} is left out: {part.absent}" for part in parts if part.absent), *seen.lines]


def _part(part: "ServiceStatus") -> dict[str, object]:
    where = {"address": part.address, "pid": part.pid, "since": part.since, "log": str(part.log)}
    return {"part": part.title, "running": part.running, **where, "absent": part.absent}


def _seen(seen: "Overview") -> dict[str, object]:
    return {
        "streams": [_stream(standing) for standing in seen.streams],
        "work": asdict(seen.work) if seen.work else None,
        "left_alone": [asdict(each) for each in seen.left_alone],
        "problems": seen.problems,
    }


def _stream(standing: "Standing") -> dict[str, object]:
    seconds = standing.age.total_seconds() if standing.age is not None else None
    return {**asdict(standing), "age": seconds}
