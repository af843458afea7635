"""`datastream up`, `down` and `status`: the whole platform on this machine."""

import os
from contextlib import closing
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

import click

from deployments.cli.deploy import show
from deployments.cli.project import settings, settings_with_stack
from deployments.cli.show import as_json, print_json, print_made
from deployments.cli.watching import can_watch

if TYPE_CHECKING:
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
    if not detach and can_watch():
        _watch(settings())
        click.echo("The platform goes on. `datastream status --watch` shows this again, `datastream down` stops it.")


def _next_steps(prefect_url: str, export: str) -> None:
    from deployments.overview import KEY

    click.echo(
        f"\nThe Prefect UI: {prefect_url}\nAll at one look: {prefect_url}/artifacts/key/{KEY}\n\nNow try:\n"
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
        if not can_watch():
            raise click.UsageError("--watch draws on a terminal, and this one cannot be drawn over. Leave it out.")
        _watch(found)
        return
    parts, seen = stack.status(found.project), _look(found)
    if json_:
        print_json({"parts": [_part(part) for part in parts], **_seen(seen)})
    else:
        _print(parts, seen)
    if not all(part.running or part.absent for part in parts):
        raise SystemExit(1)


def _print(parts: "list[ServiceStatus]", seen: "Overview") -> None:
    from rich.console import Console

    from deployments.cli import screen

    console = Console()
    width = console.width if console.is_terminal else None
    for made in (screen.parts_table(parts, width), screen.streams_table(seen, seen.streams, width)):
        print_made(made, console)
    for line in screen.lines(parts, seen):
        click.echo(line)
    for line in seen.troubles:
        click.echo(line, err=True)


def _look(found: "Settings") -> "Overview":
    from datastream.clock import SystemClock
    from deployments.keeper.server import Server
    from deployments.overview import look

    url = os.environ.get("PREFECT_API_URL")
    if not url:
        return look(found, SystemClock())
    with closing(Server(url, login=os.environ.get("PREFECT_API_AUTH_STRING"))) as server:
        checked = cache(server.check)

        def ask(path: str, body: Any) -> Any:
            checked()
            return server.post(path, body)

        return look(found, SystemClock(), ask)


def _watch(found: "Settings") -> None:
    from deployments import stack
    from deployments.cli.screen import Screen
    from deployments.cli.watching import watch

    watch(lambda: Screen(stack.status(found.project), _look(found)))


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
