"""`datastream quality`: how streams are, which incidents are open, the page, and what people say of them."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deployments.cli.project import optional_stream, settings, settings_with_stack, store, stream_argument
from deployments.cli.show import as_json, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from datastream.catalog import Stream
    from datastream.health.ledger import Ledger
    from datastream.lake.store import Store

_RUN = "command line"
_check = click.argument("check", metavar="CHECK[:SUBJECT]")


@click.group()
def quality() -> None:
    """Look at what quality-checks said, mute a check, or accept what is new as usual."""


@quality.command()
@optional_stream
@as_json
def status(stream: str | None, json_: bool) -> None:
    """Show what each check said last, of one stream or of all."""
    from datastream.health.known import known

    lake, now = store(), _now()
    found: list[dict[str, Any]] = []
    for name in _names(lake, stream):
        state, at = known(lake, name) or _unchecked(name)
        memory = state.memory
        last = max((points[-1].at for points in memory.points.values()), default=at)
        for said in memory.shown.said:
            point = next((point for point in memory.points.get(said.check, [])[-1:] if point.at == last), None)
            until = state.incidents.muted_until((*said.check.split(":", 1), "")[:2], now)
            found.append({"stream": name, "check": said.check, "result": said.result, "told": said.told,
                          "observed": point and point.value, "low": point and point.low, "high": point and point.high,
                          "at": last, "incident": said.incident or None, "muted_until": until})  # fmt: skip
    _print(found, json_, ("stream", "check", "result", "told", "at", "muted_until"))


@quality.command()
@optional_stream
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
            muted = now.muted_until(incident.key, _now()) is not None
            found.append({"incident": incident.id, "opened_at": incident.opened_at, "closed_at": incident.closed_at,
                          "how": "muted" if muted else incident.how, "said": incident.said})  # fmt: skip
    _print(found, json_)


@quality.command()
@stream_argument
@_check
@click.option("--for", "for_", required=True, metavar="DURATION", help="How long, as ISO 8601: P1D, PT6H.")
@click.option("--why", required=True, help="For whoever asks later.")
@as_json
def mute(stream: str, check: str, for_: str, why: str, json_: bool) -> None:
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
    said = f"{check} of {stream} is muted until {made.until:%Y-%m-%dT%H:%M:%SZ}."
    _done(said, {"stream": stream, "check": check, "until": made.until, "why": made.why}, json_)


@quality.command()
@stream_argument
@_check
@as_json
def unmute(stream: str, check: str, json_: bool) -> None:
    """End a mute now."""
    from datastream.health import asked

    with _ledger(stream) as ledger:
        ended = asked.unmute(ledger, check, _now())
    said = f"{check} of {stream} is told again."
    _done(said, {"stream": stream, "check": check, "until": None, "why": ended.why}, json_)


@quality.command()
@stream_argument
@_check
@as_json
def accept(stream: str, check: str, json_: bool) -> None:
    """Close an incident because what it is about is as it should be from now on. What is usual is learned anew."""
    from datastream.health import asked

    with _ledger(stream) as ledger:
        incident = asked.accept(ledger, check, _now())
    said = f"{incident.id} is closed; what is usual is learned from {incident.since:%Y-%m-%dT%H:%M:%SZ} on."
    _done(said, {"stream": stream, "incident": incident.id, "learned_from": incident.since}, json_)


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
    described, lake = Catalog(now.streams).stream(stream), store()
    with open_event_bus(now.events) as bus, open_alerts(now.alerts) as alerts:
        told = Told(bus, alerts)
        with open_ledger(described, lake, run=_RUN, told=told, buffer=now.buffer) as ledger:
            yield ledger
    _show_on_page(lake, described)


def _show_on_page(lake: "Store", stream: "Stream") -> None:
    """Make the stream's part of the page anew. What was said is kept already, so a lake in trouble undoes nothing."""
    from datastream.errors import DatastreamError
    from datastream.report.writing import write
    from tasks.showing import runs_at

    try:
        write(lake, {stream.name: stream}, runs_at())
    except (DatastreamError, OSError) as error:
        click.echo(f"It is kept, and the quality page shows it after the next run: {error}", err=True)


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


def _print(found: list[dict[str, Any]], json_: bool, columns: "Sequence[str]" = ()) -> None:
    if json_:
        print_json(found)
    elif found:
        shown = columns or tuple(found[0])
        print_table(shown, [[row[name] for name in shown] for row in found])
    else:
        click.echo("Nothing.")


def _done(said: str, what: dict[str, Any], json_: bool) -> None:
    if json_:
        print_json(what)
    else:
        click.echo(said)
