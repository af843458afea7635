"""`datastream quality`: how streams are, which incidents are open, the page, and what people say of them."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deployments.cli.project import settings, settings_with_stack, store, stream_argument
from deployments.cli.show import as_json, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datastream.catalog import Stream
    from datastream.health.ledger import Ledger
    from datastream.lake.store import Store

_RUN = "command line"
_check = click.argument("check", metavar="CHECK[:SUBJECT]")


@click.group()
def quality() -> None:
    """Look at what quality-checks said, mute a check, or accept what is new as usual."""


@quality.command()
@click.argument("stream", required=False)
@as_json
def status(stream: str | None, json_: bool) -> None:
    """Show what each check said last, of one stream or of all."""
    from datastream.health.known import known

    lake = store()
    found: list[dict[str, Any]] = []
    for name in _names(lake, stream):
        state, _ = known(lake, name) or _unchecked(name)
        for check, points in state.memory.points.items():
            last, key = points[-1], (*check.split(":", 1), "")[:2]
            until = [mute.until for mute in state.incidents.mutes if mute.holds(key, _now())]
            found.append(
                {
                    "stream": name,
                    "check": check,
                    "result": last.result,
                    "observed": last.value,
                    "low": last.low,
                    "high": last.high,
                    "at": last.at,
                    "muted_until": max(until, default=None),
                }
            )
    _print(found, json_)


@quality.command()
@click.argument("stream", required=False)
@click.option("--all", "all_", is_flag=True, help="Also the last fifty of each stream that are closed.")
@as_json
def incidents(stream: str | None, all_: bool, json_: bool) -> None:
    """List what is not as it should be, since when, and what was seen."""
    from datastream.health.known import known

    lake = store()
    found: list[dict[str, Any]] = []
    for name in _names(lake, stream):
        state, _ = known(lake, name) or _unchecked(name)
        now = state.incidents
        for incident in [*(now.closed if all_ else []), *now.open]:
            muted = now.is_muted(incident.key, _now())
            found.append({"incident": incident.id, "opened_at": incident.opened_at, "closed_at": incident.closed_at,
                          "how": "muted" if muted else incident.how, "said": incident.said})  # fmt: skip
    _print(found, json_)


@quality.command()
@stream_argument
@_check
@click.option("--for", "for_", required=True, metavar="DURATION", help="How long, as ISO 8601: P1D, PT6H.")
@click.option("--why", required=True, help="For whoever asks later.")
def mute(stream: str, check: str, for_: str, why: str) -> None:
    """Have a check tell nothing for a while. It is judged and recorded all the same.

    Example: datastream quality mute flights volume --for P1D --why "the source is moved"
    """
    from datetime import timedelta

    from pydantic import TypeAdapter, ValidationError

    from datastream.health import asked

    try:
        duration = TypeAdapter(timedelta).validate_python(for_)
    except ValidationError as error:
        raise click.BadParameter(f"{for_!r} is no duration; write it like P1D or PT6H") from error
    with _ledger(stream) as ledger:
        made = asked.mute(ledger, check, duration, why, _now())
    click.echo(f"{check} of {stream} is muted until {made.until:%Y-%m-%dT%H:%M:%SZ}.")


@quality.command()
@stream_argument
@_check
def unmute(stream: str, check: str) -> None:
    """End a mute now."""
    from datastream.health import asked

    with _ledger(stream) as ledger:
        asked.unmute(ledger, check, _now())
    click.echo(f"{check} of {stream} is told again.")


@quality.command()
@stream_argument
@_check
def accept(stream: str, check: str) -> None:
    """Close an incident because what it is about is as it should be from now on. What is usual is learned anew."""
    from datastream.health import asked

    with _ledger(stream) as ledger:
        incident = asked.accept(ledger, check, _now())
    click.echo(f"{incident.id} is closed; what is usual is learned from {incident.since:%Y-%m-%dT%H:%M:%SZ} on.")


@quality.command()
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it there, and not on the lake.")
def report(output: Path | None) -> None:
    """Make the quality page of all streams anew, and print where it lies."""
    from datastream.catalog import Catalog, StreamMissing
    from datastream.report.writing import made_of, write
    from tasks.showing import runs_at

    lake, catalog = store(), Catalog(settings().streams)

    def described(name: str) -> "Stream | None":
        try:
            return catalog.stream(name)
        except StreamMissing:
            return None

    streams = {name: described(name) for name in _names(lake, None)}
    if output is None:
        click.echo(write(lake, streams, runs_at()))
        return
    try:
        output.write_bytes(made_of(lake, streams, runs_at()))
    except OSError as error:
        raise click.FileError(str(output), error.strerror or str(error)) from error
    click.echo(output)


@contextmanager
def _ledger(stream: str) -> "Iterator[Ledger]":
    from datastream.catalog import Catalog
    from datastream.events.bus import open_alerts, open_event_bus
    from datastream.health.ledger import Told, open_ledger

    now = settings_with_stack()
    described = Catalog(now.streams).stream(stream)
    with open_event_bus(now.events) as bus, open_alerts(now.alerts) as alerts:
        told = Told(bus, alerts)
        with open_ledger(described, store(), run=_RUN, told=told, buffer=now.buffer) as ledger:
            yield ledger


def _names(lake: "Store", stream: str | None) -> list[str]:
    from datastream.lake import layout, reader

    there = reader.lanes(lake, layout.QUALITY)
    if stream is not None and stream not in there:
        _unchecked(stream)
    return there if stream is None else [stream]


def _unchecked(stream: str) -> Any:
    from datastream.errors import Permanent

    raise Permanent(
        f"Nothing is known of the quality of {stream!r} in {settings().lake_uri}: quality-checks has not run yet. Run "
        f"it with: python -m flows.quality_checks {stream}"
    )


def _now() -> Any:
    from datastream.clock import SystemClock

    return SystemClock().now()


def _print(found: list[dict[str, Any]], json_: bool) -> None:
    if json_:
        print_json(found)
    elif found:
        print_table(tuple(found[0]), [tuple(row.values()) for row in found])
    else:
        click.echo("Nothing.")
