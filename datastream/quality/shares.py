"""Which share of the last window's rows was set aside, and which were duplicates? Against the bounds of the stream's
file; the share that was set aside, where it names none, against the greatest of the windows before.
"""

from collections.abc import Sequence
from datetime import datetime
from math import sqrt
from statistics import median

from datastream.quality.buckets import Sums
from datastream.quality.check import Check, percent, result, shown
from datastream.quality.figures import Figures, Unhealthy, healthy
from datastream.quality.usual import ENOUGH, spread

_MORE = 0.05
"""So much more than ever before is odd, be it ever so rare."""
_SIGMAS = 5.0


def quarantined(
    figures: Figures, now: datetime, at_most: float | None, unhealthy: Sequence[Unhealthy], *, learned: bool = True
) -> Check:
    """Ask which share of the rows was set aside. Of no rows there is no share, and none is judged."""
    last, before = figures.last(now), _before(figures, now, unhealthy, "quarantined")
    rows = last.checked
    if not rows:
        return _none("quarantined", figures, at_most)
    shares = [each.quarantined / each.checked for each in before if each.checked]
    observed = f"{percent(last.quarantined / rows)} of the rows of {shown(figures.window)}{_usual(shares)}"
    limit, expected = at_most, "" if at_most is None else f"at most {percent(at_most)}"
    if limit is None and learned and len(shares) >= ENOUGH:
        limit = _odd_from(shares, rows)
        expected = f"as usual, at most {percent(limit)}"
    return _judged("quarantined", last.quarantined / rows, observed, limit, expected, figures, now)


def duplicates(figures: Figures, now: datetime, at_most: float | None, unhealthy: Sequence[Unhealthy]) -> Check:
    """Ask which share of what was read was there already. What is usual is told and not judged: an API whose window
    is read with a lag brings little else when nothing happens.
    """
    last, before = figures.last(now), _before(figures, now, unhealthy, "duplicates")
    if not last.read:
        return _none("duplicates", figures, at_most)
    shares = [each.duplicates / each.read for each in before if each.read]
    share = last.duplicates / last.read
    observed = f"{percent(share)} of what was read in {shown(figures.window)}{_usual(shares)}"
    expected = "" if at_most is None else f"at most {percent(at_most)}"
    return _judged("duplicates", share, observed, at_most, expected, figures, now)


def _odd_from(shares: Sequence[float], rows: int) -> float:
    usual = min(1.0, max(*shares, median(shares) + spread(shares)))
    chance = min(max(usual, 1 / rows), 1 - 1 / rows)  # few rows of which none was set aside do not say that none is
    return min(1.0, usual + max(_MORE, _SIGMAS * sqrt(chance * (1 - chance) / rows)))


def _judged(
    check: str, share: float, observed: str, limit: float | None, expected: str, figures: Figures, now: datetime
) -> Check:
    met = None if limit is None else share <= limit
    since = now - figures.window
    return Check(check, observed, expected, result(met), value=share, high=limit, since=since)


def _none(check: str, figures: Figures, at_most: float | None) -> Check:
    expected = "" if at_most is None else f"at most {percent(at_most)}"
    return Check(check, f"no row came in {shown(figures.window)}", expected, "not judged")


def _before(figures: Figures, now: datetime, unhealthy: Sequence[Unhealthy], check: str) -> list[Sums]:
    over = [window for window in figures.whole(now) if window.until <= now - figures.window]  # none is held to itself
    return [window.sums for window in healthy(over, unhealthy, check)]


def _usual(shares: Sequence[float]) -> str:
    if len(shares) < 3:  # noqa: PLR2004 - of two there is no median to speak of
        return ""
    return f"; {percent(median(shares))} is the median of the {len(shares)} windows before"
