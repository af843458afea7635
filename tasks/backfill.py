"""Opens a backfill for a run: registers it or joins it, and yields its slices that nobody else reads."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta

from blocks import DataLake, EventBus, StreamBuffer
from datastream.backfill import BackfillRefused, finish, free_slices, give_up, in_progress, register, wanted
from datastream.buffers.lease import LaneBusy, lease
from datastream.clock import Clock, SystemClock
from datastream.errors import Transient
from datastream.intake.backfills import Backfill
from datastream.lake import layout
from datastream.lane import Lane
from datastream.ranges import BACKFILLS
from datastream.slices import Slices
from tasks.lane import opening_of_run
from tasks.opening import Opening
from tasks.report import Report, SlicesReport
from tasks.showing import Showing


class Unannounced(Transient):
    """All records of a backfill are committed, and the event bus has not confirmed all of its commits."""


@contextmanager
def open_backfill(
    name: str, asked: tuple[str, str, str | None], lake: DataLake | None, buffer: StreamBuffer | None,
    events: EventBus | None,
) -> Iterator[tuple[Iterator[Lane], Report]]:  # fmt: skip
    """Register a backfill or join it, and yield its free slices, oldest first, until all are done.

    The report is published when the last is closed, and the backfill is taken out of the log. Where it was done before
    there is nothing to yield.
    """
    clock = SystemClock()
    with opening_of_run(name, lake, buffer, events) as opening:
        backfill = begin(opening, wanted(opening.stream, *asked), clock)
        slices = Slices(opening.store, name, backfill) if backfill else None
        report = SlicesReport(
            opening.stream, opening.suite, opening.store.address(""), clock, Showing(opening.states), slices,
            f"{name} {backfill or f'{asked[0]} to {asked[1]}, which was done before'}",
        )  # fmt: skip
        if backfill is None or slices is None:
            yield iter(()), report
        else:
            take = opening.slices_of(backfill)
            with closing(free_slices(slices, take, clock)) as lanes:
                yield lanes, report
        report.publish()
        if backfill is not None and slices is not None:
            conclude(opening, backfill, slices, clock)


def begin(opening: Opening, asked: Backfill, clock: Clock, *, again: bool = False) -> Backfill | None:
    """Register a backfill or join it; None if it was done before. Raises BackfillRefused and LaneBusy.

    The lease keeps out who asks the stream to forget something. That of the first lane is not waited for: a run that
    holds it meets the registration at its next commit.
    """
    with (
        lease(opening.buffer, opening.stream.name, BACKFILLS, clock=clock),
        replace(opening, buffer=None).take(layout.LANE) as lane,
    ):
        return register(lane, asked, clock, again=again)


def abandon(opening: Opening, asked: Backfill, clock: Clock) -> Slices:
    """Give up a backfill that is in progress, take it out of the log, and return its slices.

    Raises BackfillRefused where there is none, LaneBusy while a worker reads a slice, Unannounced.
    """
    with replace(opening, buffer=None).take(layout.LANE) as lane:
        found = in_progress(lane, asked)
    if found is None:
        raise BackfillRefused(f"No backfill of {opening.stream.name!r} from {asked} is in progress.")
    slices = Slices(opening.store, opening.stream.name, found)
    slices.all_done()
    give_up(slices, opening.slices_of(found), clock)
    conclude(opening, found, slices, clock)
    return slices


def conclude(opening: Opening, backfill: Backfill, slices: Slices, clock: Clock) -> bool:
    """Take a backfill out of the log if all its slices are done and announced, and tell whether they are done.

    Raises Unannounced where only the event bus is missing.
    """
    if not slices.all_done():
        return False
    if opening.bus is not None:
        take = opening.slices_of(backfill)
        for name in slices.unannounced():  # of a worker that died, or while the bus was away: opening announces
            with suppress(LaneBusy), take(name, timedelta()):
                pass
        waiting = slices.unannounced()
        if waiting:
            raise Unannounced(
                f"All records of {backfill} are committed, and the commits of {len(waiting):,} of {len(slices):,} "
                "slices wait in the log to be announced. Run it again when the event bus is back."
            )
    with replace(opening, buffer=None).take(layout.LANE) as lane:
        finish(lane, backfill, clock)
    return True
