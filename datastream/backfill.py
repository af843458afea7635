"""Fills in a range of an API stream: it is registered in the log of the first lane, and read in lanes of its own.

The registration is a commit of the first lane. So of two that overlap one is second and is refused, and a worker of the
first lane that slept meets it at its next commit. When all slices are done, another commit takes it out.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from pydantic import TypeAdapter, ValidationError

from datastream import pipeline
from datastream.buffers.lease import LaneBusy
from datastream.catalog import ApiSpec, Cursor, Stream
from datastream.clock import Clock
from datastream.errors import Permanent
from datastream.intake.backfill import SliceOffsets, slice_offsets
from datastream.intake.backfills import MONTH, Backfill, registered, with_backfills
from datastream.lane import Lane
from datastream.notice import notice
from datastream.slices import Slices
from datastream.sources.claims import Offsets
from datastream.sources.window import from_wire, open_window, to_wire

MOST_SLICES = 10_000
_POLL = timedelta(seconds=1)
_MOST_FAILED = 3
_WORDS = {"hour": "PT1H", "day": "P1D", "week": "P7D", MONTH: MONTH, "P1M": MONTH}
_duration = TypeAdapter(timedelta)


class BackfillRefused(Permanent):
    """A backfill is asked for that cannot be, or that would read what another one reads."""


def wanted(stream: Stream, since: str, until: str, every: str | None) -> Backfill:
    """Return the backfill that is asked for in words. Raises BackfillRefused."""
    spec = _cursor(stream)
    begins, ends = _end(since, spec, stream), _end(until, spec, stream)
    if not begins < ends:  # type: ignore[operator]
        raise BackfillRefused(f"Nothing lies between {since} and {until}: --from belongs to the range, --to does not.")
    if every is not None and (spec.until is None or not isinstance(begins, datetime)):
        raise BackfillRefused(
            f"The range cannot be cut into slices: each would read everything behind it, because {stream.name!r} "
            "names no parameter for a window's end. Name it as source.cursor.until if the API has one; else leave "
            "--every out."
        )
    found = Backfill(since=to_wire(begins), until=to_wire(ends), asked=to_wire(ends), every=every and _every(every))
    if found.count() > MOST_SLICES:
        raise BackfillRefused(
            f"That would be {found.count():,} slices, and {MOST_SLICES:,} are allowed. Let --every be longer."
        )
    return found


def register(lane: Lane, asked: Backfill, clock: Clock, *, again: bool = False) -> Backfill | None:
    """Return the backfill as it is in progress: this one now, or the same since earlier. None: it is done already.

    `lane` is the stream's first. A slice that was ever read to its end counts as done, unless it is to be read `again`.
    Raises BackfillRefused, and what opening and committing raise.
    """
    while True:
        there = registered(lane.offsets)
        found = in_progress(lane, asked)
        if found is not None:
            return found
        mine = _clipped(lane, asked, clock)
        _refuse_overlap(lane.stream.name, mine, there)
        slices = Slices(lane.store, lane.stream.name, mine)
        if not again and slices.all_done() and not slices.given_up:
            return None
        mine = msgspec.structs.replace(mine, again=lane.next_seq if again or slices.given_up else 0)
        notice(lane, lane.stream, with_backfills(lane.offsets, [*there, mine]), clock)


def in_progress(lane: Lane, asked: Backfill) -> Backfill | None:
    """Return the backfill that is asked for as it is registered; None if it is not. `lane` is the stream's first."""
    wanted_ = (asked.since, asked.asked, asked.every)
    return next((each for each in registered(lane.offsets) if (each.since, each.asked, each.every) == wanted_), None)


def give_up(slices: Slices, take: Callable[[str, timedelta], AbstractContextManager[Lane]], clock: Clock) -> None:
    """Have the slices that are not done count as done. What they have committed stays; asked for again, all is read.

    A commit of each lane says so, so that a worker that slept reads no more of it. Raises LaneBusy while one is read.
    """
    for name in list(slices.left()):
        with take(name, timedelta()) as lane:
            for plan in pipeline.decided(lane):
                pipeline.complete(lane, plan)
            while not slices.is_done(name):
                kept = slice_offsets(lane.offsets)
                kept = kept if kept.again == slices.again else SliceOffsets(again=slices.again)
                ended = msgspec.structs.replace(kept, done=True, given_up=True)
                notice(lane, lane.stream, msgspec.to_builtins(ended), clock)


def finish(lane: Lane, backfill: Backfill, clock: Clock) -> None:
    """Take a backfill whose slices are done out of the first lane's log. Repeating it is harmless."""
    while backfill in (there := registered(lane.offsets)):
        notice(lane, lane.stream, with_backfills(lane.offsets, [each for each in there if each != backfill]), clock)


def free_slices(
    slices: Slices, take: Callable[[str, timedelta], AbstractContextManager[Lane]], clock: Clock
) -> Generator[Lane, None, None]:
    """Yield one lane after another that is not done and that nobody else drains, oldest first, until all are done.

    What others hold is asked for again until they are done with it, or dead for as long as a lease lasts. A lane that
    is not done when the next is asked for has failed, and is left to others; after three it ends.
    """
    failed: set[str] = set()
    while left := [name for name in slices.left() if name not in failed]:
        yielded = False
        for name in left:
            if len(failed) >= _MOST_FAILED:
                return
            if slices.is_done(name):
                continue
            with ExitStack() as held:
                try:
                    lane = held.enter_context(take(name, timedelta()))
                except LaneBusy:
                    continue
                yielded = True
                yield lane
            if not slices.is_done(name):
                failed.add(name)
        if not yielded:
            clock.sleep(_POLL)


def _clipped(lane: Lane, asked: Backfill, clock: Clock) -> Backfill:
    """Return the range without what the first lane may still ask for. Raises BackfillRefused if nothing is left."""
    spec = _cursor(lane.stream)
    least = _whole(min(_asked_for(lane.stream, lane.offsets, spec, clock)))
    since, until = (from_wire(end, spec.initial) for end in (asked.since, asked.until))
    if least <= since:
        raise BackfillRefused(
            f"Nothing is left to fill in: a run of {lane.stream.name!r} reads everything from {to_wire(least)} on, and "
            f"the range begins at {asked.since}. Run it with: python -m flows.etl_pipeline {lane.stream.name}"
        )
    return msgspec.structs.replace(asked, until=to_wire(min(until, least)))


def _asked_for(stream: Stream, kept: Mapping[str, Any], spec: Cursor, clock: Clock) -> Iterator[Any]:
    """Yield from where on the first lane reads: in the window that is open, and in the next one."""
    offsets = msgspec.convert(kept, Offsets)
    for window in (offsets.window, open_window(stream, offsets.cursor, clock.now())):
        since = from_wire(window.since, spec.initial) if window else None
        if since is not None:
            yield since


def _whole(least: Any) -> Any:
    """Return the last whole second up to `least`: a lane's name holds no part of one."""
    return least.replace(microsecond=0) if isinstance(least, datetime) else least


def _refuse_overlap(stream: str, mine: Backfill, there: tuple[Backfill, ...]) -> None:
    for other in there:
        if mine.overlaps(other):
            raise BackfillRefused(
                f"A backfill of {stream!r} from {other} is in progress, and has records in common with this one: side "
                f"by side they would load them twice. Finish it first, with: {other.command(stream)} - or give "
                "it up, by the same with --give-up."
            )


def _cursor(stream: Stream) -> Cursor:
    if not isinstance(stream.source, ApiSpec):
        raise BackfillRefused(
            f"{stream.name!r} is posted to the gateway and not read, so there is no range to fill in."
        )
    spec = stream.source.cursor
    if spec is None or isinstance(spec.initial, str):
        raise BackfillRefused(
            f"{stream.name!r} has no cursor that is a time or a number, so a range of it cannot be asked for. A run "
            "reads everything that there is."
        )
    return spec


def _end(text: str, spec: Cursor, stream: Stream) -> datetime | int:
    try:
        if isinstance(spec.initial, int) and text.isdecimal():
            return int(text)
        moment = datetime.fromisoformat(text)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        if not moment.microsecond and isinstance(spec.initial, datetime):
            return moment
    except (ValueError, OverflowError):
        pass
    kind = "a time in whole seconds, such as 2026-01-31 or 2026-01-31T12:00:00Z"
    kind = "a whole number from 0 on" if isinstance(spec.initial, int) else kind
    raise BackfillRefused(
        f"{text!r} cannot be compared with the cursor {spec.field!r} of {stream.name!r}: write {kind}."
    )


def _every(text: str) -> str:
    if text in _WORDS:
        return _WORDS[text]
    try:
        duration = _duration.validate_python(text)
        if duration >= timedelta(seconds=1) and not duration.microseconds:
            return str(_duration.dump_python(duration, mode="json"))
    except (ValidationError, OverflowError):
        pass
    raise BackfillRefused(
        f"--every {text} is no length of a slice: write hour, day, week, month, or a duration such as P1D."
    )
