"""`datastream backfill`: fills in a range of a stream, with several workers, and shows how far they are."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import click

from deployments.cli.project import settings_with_stack, stream_argument
from deployments.cli.show import as_json, print_fields, print_json

if TYPE_CHECKING:
    from datastream.settings import Settings
    from deployments.filling import Far
    from tasks.opening import Opening

REFUSED, STOPPED = 2, 130
_MOST_WORKERS = 16


@click.command()
@stream_argument
@click.option("--from", "since", required=True, metavar="START", help="Where the range begins, such as 2013-01-01.")
@click.option("--to", "until", required=True, metavar="END", help="Where it ends; END itself is not in it.")
@click.option("--every", metavar="LENGTH", help="Cut it: hour, day, week, month, or a duration such as PT6H.")
@click.option(
    "--workers", default=2, show_default=True, type=click.IntRange(1, _MOST_WORKERS), help="Processes on this machine."
)
@click.option(
    "--again", "how", flag_value="again", help="Read slices again that were read before; what has changed is loaded."
)
@click.option(
    "--give-up",
    "how",
    flag_value="give-up",
    help="Read no more of it: what was committed stays, and the range is free.",
)
@as_json
def backfill(
    stream: str, since: str, until: str, every: str | None, workers: int, how: str | None, json_: bool
) -> None:
    """Load the records of STREAM whose cursor value lies in a range, beside its ordinary runs. Nothing is loaded twice.

    It may be stopped at any time; the same command goes on. Exits with 0 when the range is loaded, 1 when not all of
    it is, 2 when it is refused. Other machines help with `python -m flows.backfill`.

    Example: datastream backfill flights --from 2013-01-01 --to 2013-02-01 --every day
    """
    from datastream.backfill import BackfillRefused

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        asked = (since, until, every)
        if how == "give-up":
            done = _give_up(stream, asked, json_=json_)
        else:
            done = _fill(stream, asked, workers, again=how == "again", json_=json_)
    except BackfillRefused as error:
        click.echo(f"datastream: {error}", err=True)
        sys.exit(REFUSED)
    except KeyboardInterrupt:
        cut = f" --every {every}" if every else ""
        click.echo(
            f"\nStopped. Nothing is lost; go on with: datastream backfill {stream} --from {since} --to {until}{cut}",
            err=True,
        )
        sys.exit(STOPPED)
    sys.exit(0 if done else 1)


def _fill(stream: str, asked: tuple[str, str, str | None], workers: int, *, again: bool, json_: bool) -> bool:
    from datastream.backfill import wanted
    from datastream.clock import SystemClock
    from datastream.slices import Slices
    from deployments.filling import Far, watch, workers_of
    from deployments.watch import progress
    from tasks.backfill import begin, conclude

    settings, clock = settings_with_stack(), SystemClock()
    with _opening(stream, settings) as opening:
        range_ = wanted(opening.stream, *asked)
        found = begin(opening, range_, clock, again=again)
        if found is None:
            _tell_done_before(stream, str(range_), json_=json_)
            return True
        slices = Slices(opening.store, stream, found)
        finished = conclude(opening, found, slices, clock)
    said = _begins(found.asked, found.until, len(slices), settings, workers)
    workers = workers if settings.buffer else 1
    if not json_:
        click.echo(f"{stream} from {found}: {said}")
    far = Far.of(slices)
    if not finished:
        with nullcontext() if json_ else progress() as show, workers_of(stream, found, workers) as running:
            far = watch(slices, running, workers, show, lambda problem: click.echo(problem, err=True))
        with _opening(stream, settings) as opening:
            finished = conclude(opening, found, slices, clock)
    _tell(stream, found.command(stream), far, finished=finished, json_=json_)
    return finished


def _give_up(stream: str, asked: tuple[str, str, str | None], *, json_: bool) -> bool:
    from datastream.backfill import wanted
    from datastream.clock import SystemClock
    from deployments.filling import Far
    from tasks.backfill import abandon

    with _opening(stream, settings_with_stack()) as opening:
        far = Far.of(abandon(opening, wanted(opening.stream, *asked), SystemClock()))
    if json_:
        print_json({"stream": stream, "given_up": True, **far.to_dict()})
    else:
        click.echo(f"Given up: what was loaded of {stream} stays, {far.loaded:,} records, and no more of it is read.")
    return True


def _begins(asked: object, until: object, slices: int, settings: "Settings", workers: int) -> str:
    said = f"{slices:,} {'slice' if slices == 1 else 'slices'}."
    if until != asked:
        said += f" It ends at {until}, because ordinary runs read what comes from there on."
    if settings.buffer is None and workers > 1:
        said += " Without Redis (DATASTREAM_REDIS_URL) workers cannot share them, so there is one."
    return said


def _tell_done_before(stream: str, range_: str, *, json_: bool) -> None:
    if json_:
        print_json({"stream": stream, "range": range_, "done_before": True, "read": 0, "loaded": 0})
    else:
        click.echo(f"{stream} from {range_} was loaded before: nothing was read. To read it once more, add --again.")


def _tell(stream: str, command: str, far: "Far", *, finished: bool, json_: bool) -> None:
    if json_:
        print_json({"stream": stream, "finished": finished, "done_before": False, **far.to_dict()})
        return
    fields: dict[str, Any] = far.to_dict()
    print_fields({"stream": stream, **{name: value for name, value in fields.items() if value or name == "read"}})
    if far.without_cursor:
        click.echo(f"{far.without_cursor:,} records show no cursor value; they are left to the stream's ordinary runs.")
    if not finished:
        click.echo(f"{far.slices - far.done:,} slices are left. Go on with: {command}", err=True)


@contextmanager
def _opening(stream: str, settings: "Settings") -> Iterator["Opening"]:
    from datastream.buffers.breakers import breaker_states
    from tasks.opening import Opening

    with (
        breaker_states(settings.buffer) as states,
        Opening.of(stream, settings, None, settings.buffer, None, states, run="backfill") as opening,
    ):
        yield opening
