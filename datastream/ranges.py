"""Lanes that own a range of cursor values are named after it: `backfill-20130101T000000Z-20130102T000000Z`.

So whoever looks for a record of such a range knows by the name alone which lanes may hold it.
"""

import re
from datetime import UTC, datetime

from datastream.identity import comparable
from datastream.lake.index import overlap
from datastream.lake.manifest import CursorRange

End = datetime | int
BACKFILLS = "backfills"
"""The lease under which backfills are registered; it is no lane's."""
_NAME = re.compile(r"backfill-(?:(\d{8}T\d{6}Z)-(\d{8}T\d{6}Z)|(\d+)-(\d+))")


def ranged_lane(since: End, until: End) -> str:
    """Return the name of the lane that owns the values from `since` on and below `until`, in whole seconds."""
    return f"backfill-{_short(since)}-{_short(until)}"


def range_of(lane: str) -> CursorRange | None:
    """Return the range that a lane owns, in the form that cursor values are compared in; None for one without."""
    found = _NAME.fullmatch(lane)
    if found is None:
        return None
    if found[3] is not None:
        return int(found[3]), int(found[4])
    return _time(found[1]), _time(found[2])


def may_hold(lane: str, cursor: CursorRange | None) -> bool:
    """Tell by a lane's name whether records with such cursor values may be in it."""
    owned = range_of(lane)
    return owned is None or overlap(owned, cursor)


def _short(end: End) -> str:
    if isinstance(end, int):
        return str(end)
    return end.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z").replace("-", "").replace(":", "")


def _time(text: str) -> str:
    return str(comparable(datetime.fromisoformat(text)))
