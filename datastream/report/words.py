"""Says values for people. What comes from strangers is one line here, clipped, and without what does not show."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from datastream.quality.check import Result, percent, shown
from datastream.quality.report import clean

WORST_FIRST: tuple[Result, ...] = ("not met", "muted", "met", "not judged")
_READ_CHARACTERS = 4_000
"""So much of a value is looked at: one of a megabyte is clipped anyway."""
_DURATIONS = ("freshness", "records", "schedule")
_SHARES = ("quarantined", "duplicates", "references")


def text(value: Any, longest: int = 80) -> str:
    """Return a value in one line of at most so many characters; escaping it is left to the template."""
    line = "" if value is None else clean(str(value)[:_READ_CHARACTERS])
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


@lru_cache(maxsize=1024)  # the checks of one look have one time, and each chart names it
def when(at: datetime | None) -> str:
    """Return a time to the minute, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" if at else ""


def ago(at: datetime, now: datetime) -> str:
    """Return how long ago something was, in its two greatest units."""
    return shown(max(now - at, timedelta()))


def share(part: int, whole: int) -> str:
    """Return a share in percent; of nothing there is none."""
    return percent(part / whole) if whole else "none"


def observed(check: str, value: float) -> str:
    """Return the number that a check saw, as what it is: a duration, a share, or a count."""
    kind = check.partition(":")[0]
    if kind in _DURATIONS:
        return shown(timedelta(seconds=value))
    return percent(value) if kind in _SHARES else f"{value:,.0f}"
