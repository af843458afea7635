"""Backfills in progress, as the first lane's offsets hold them: each owns a range of cursor values until it is done.

While one is registered, the first lane leaves the records of its range to it, whatever the API answers; so no record is
read in two lanes at a time. A record that shows no cursor value belongs to the first lane.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pyarrow as pa
from pydantic import TypeAdapter

from datastream.catalog import Cursor
from datastream.claim import Claim, bounds
from datastream.errors import Permanent
from datastream.identity import comparable
from datastream.lake.manifest import Manifest
from datastream.ranges import End, ranged_lane
from datastream.sources.decode import Odd, decode
from datastream.sources.fields import value_at
from datastream.sources.window import from_wire

MONTH = "month"
API_ANSWER = "api: "
"""How the rule begins by which an answer is set aside that is no page: it belongs to whoever asked."""
_duration = TypeAdapter(timedelta)


class BackfillUnfinished(Permanent):
    """What was asked for cannot be done while a backfill is in progress."""


class Backfill(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A range that is being read once more or for the first time, in slices of which each is a lane."""

    since: str | int
    until: str | int
    """Its end, which belongs to it no more: at most what the first lane may still ask for."""
    asked: str | int
    """The end that was asked for."""
    every: str | None = None
    """How long a slice is: a duration of ISO 8601, or `month`. None stands for one slice."""
    again: int = 0
    """0 leaves slices alone that were ever read to their end; else the number of the commit that wants them anew."""

    def __str__(self) -> str:
        return f"{self.since} to {self.until}" + (f" every {self.every}" if self.every else "")

    @property
    def owned(self) -> tuple[str | int, str | int]:
        """Its range in the form that cursor values are compared in; its end is not in it."""
        return _comparable(self.since), _comparable(self.until)

    def command(self, stream: str) -> str:
        """Return what a person types to begin it, or to go on with it."""
        every = f" --every {self.every}" if self.every else ""
        return f"datastream backfill {stream} --from {self.since} --to {self.asked}{every}"

    def overlaps(self, other: "Backfill") -> bool:
        """Tell whether they have a cursor value in common."""
        (since, until), (others, others_until) = self.owned, other.owned
        return since < others_until and others < until  # type: ignore[operator]

    def slices(self) -> list[str]:
        """Return the lanes it is read in, oldest first."""
        ends = list(_cuts(_end(self.since), _end(self.until), self.every))
        return [ranged_lane(since, until) for since, until in pairwise(ends)]

    def count(self) -> int:
        """Return about how many slices those are, without making them."""
        since, until = _end(self.since), _end(self.until)
        if self.every is None or isinstance(since, int) or isinstance(until, int):
            return 1
        step = timedelta(days=28) if self.every == MONTH else _duration.validate_python(self.every)
        return -((since - until) // step)


def registered(offsets: Mapping[str, Any]) -> tuple[Backfill, ...]:
    """Return the backfills that are in progress by the first lane's offsets."""
    return msgspec.convert(offsets.get("backfills", ()), tuple[Backfill, ...])


def refuse_unfinished(newest: Manifest | None, stream: str) -> None:
    """Do nothing where no backfill is in progress by the first lane's newest commit. Raises BackfillUnfinished."""
    for backfill in registered(newest.header.offsets) if newest else ():
        raise BackfillUnfinished(
            f"{stream!r} has a backfill in progress, {backfill}, whose records go by what holds now. Nothing was "
            f"changed. Finish it first, with: {backfill.command(stream)}"
        )


def with_backfills(offsets: Mapping[str, Any], backfills: Sequence[Backfill]) -> dict[str, Any]:
    """Return the first lane's offsets with these backfills in progress, and how far up there ever were any."""
    ever = [backfill.owned[1] for backfill in backfills]
    ever += [offsets["backfilled"]] if "backfilled" in offsets else []
    there = {"backfills": [msgspec.to_builtins(backfill) for backfill in backfills]} if backfills else {}
    rest = {name: value for name, value in offsets.items() if name != "backfills"}
    return {**rest, **there, "backfilled": max(ever)} if ever else rest


def left_to_the_first_lane(claim: Claim, offsets: Mapping[str, Any], spec: Cursor | None) -> Claim:
    """Return a claim of the first lane without what backfills own, and with what its log holds of them."""
    held = {name: offsets[name] for name in ("backfills", "backfilled") if name in offsets}
    if not held or spec is None:
        return claim
    owned = [backfill.owned for backfill in registered(offsets)]
    keep = [
        at
        for at, value in enumerate(cursor_values(claim, spec) if owned else ())
        if value is None or not any(since <= value < until for since, until in owned)  # type: ignore[operator]
    ]
    left = only(claim, keep) if owned else claim
    return msgspec.structs.replace(left, offsets={**claim.offsets, **held})


def reaches_what_was_filled_in(claim: Claim) -> bool:
    """Tell whether some record of the first lane's claim may lie in the lane of a backfill that is done."""
    upto, cursor = claim.offsets.get("backfilled"), bounds(claim.cursor)
    return upto is not None and cursor is not None and cursor[0] < upto


def cursor_values(claim: Claim, spec: Cursor) -> Iterable[str | int | None]:
    """Yield each record's cursor value as it is compared; one that is no row may still show it. None: it shows none."""
    for at, value in enumerate(claim.cursor.to_pylist()):
        yield _shown(claim.records[at], spec) if value is None and _may_show(claim, at) else value


def _may_show(claim: Claim, at: int) -> bool:
    reason = claim.refused.get(at)
    return reason is not None and not reason.startswith(API_ANSWER)


def _shown(record: msgspec.Raw, spec: Cursor) -> str | int | None:
    try:
        found = decode(record)
    except Odd:
        return None
    shown = value_at(found, spec.field) if isinstance(found, dict) else None
    return comparable(from_wire(shown, spec.initial, spec.format))


def only(claim: Claim, keep: Sequence[int]) -> Claim:
    """Return a claim with the records at these places and no others; how far the lane has come stays the same."""
    if len(keep) == len(claim):
        return claim
    new = {at: place for place, at in enumerate(keep)}
    rows = [(row, new[at]) for row, at in enumerate(claim.positions) if at in new]
    places = pa.array(keep, pa.int64())
    return msgspec.structs.replace(
        claim, records=[claim.records[at] for at in keep], ids=[claim.ids[at] for at in keep],
        table=claim.table.take(pa.array([row for row, _ in rows], pa.int64())), positions=[at for _, at in rows],
        refused={new[at]: why for at, why in claim.refused.items() if at in new},
        cursor=claim.cursor.take(places), received_at=claim.received_at.take(places),
    )  # fmt: skip


def _end(value: str | int) -> End:
    return value if isinstance(value, int) else datetime.fromisoformat(value)


def _comparable(value: str | int) -> str | int:
    return comparable(_end(value))  # type: ignore[return-value]


def _cuts(since: End, until: End, every: str | None) -> Iterable[End]:
    """Yield where slices begin, and where the last one ends. Those of a month begin with the calendar's."""
    yield since
    if every is not None and isinstance(since, datetime) and isinstance(until, datetime):
        at = _next(since, every)
        while at < until:
            yield at
            at = _next(at, every)
    yield until


def _next(at: datetime, every: str) -> datetime:
    if every != MONTH:
        return at + _duration.validate_python(every)
    return (datetime(at.year, at.month, 1, tzinfo=UTC) + timedelta(days=32)).replace(day=1)
