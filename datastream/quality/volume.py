"""Is it enough? Against the bounds of the stream's file, or, where it names none, against what is usual.

Usual is told by whole windows in which nothing was wrong: by all of them, or by the one a week before. Once there are
four such windows whole weeks before, only these count, and the hours of the window that is not over are judged too.
What comes an hour sooner or later than usual is not odd, wherever a window begins.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import sqrt
from statistics import median

import msgspec

from datastream.catalog import Volume
from datastream.quality.check import Check, result, shown
from datastream.quality.figures import HOUR, WEEK, Figures, Unhealthy, Window, healthy
from datastream.quality.usual import ENOUGH, margin, spread

_WEEKS = 4
_EARLY = 0.25
"""Such a share of a window has to be expected by now, for the hours that are over to be judged."""


class Expected(msgspec.Struct, frozen=True):
    """What is usual of a window, and by how many others."""

    window: Window
    low: float
    high: float

    @property
    def met(self) -> bool:
        """Tell whether it is as usual."""
        return self.low <= _count(self.window) <= self.high

    def at(self, window: Window) -> "Expected":
        """Return that the same is usual of another window."""
        return msgspec.structs.replace(self, window=window)


def volume(
    figures: Figures, now: datetime, wanted: Volume, unhealthy: Sequence[Unhealthy], *, learned: bool = True
) -> Check:
    """Ask how many rows were loaded in the last window."""
    last, windows = figures.last(now).volume, figures.whole(now)
    if figures.gauge:
        windows = [window for window in windows if window.sums.volume is not None]
    earlier = healthy(windows[:-1], unhealthy, "volume")
    observed = f"{last or 0:,} rows loaded in {shown(wanted.window)}"
    if figures.gauge:
        observed = "no snapshot became whole" if last is None else f"{last:,} rows in the last snapshot"
    if wanted.least is not None or wanted.most is not None:
        young = not figures.gauge and figures.began is not None and figures.began > now - wanted.window
        return _bounded(last if figures.gauge else last or 0, observed + _usual(earlier), now, wanted, young=young)
    if not learned:
        return Check("volume", observed + _usual(earlier), "", "not judged", value=last)
    found = expected(windows[-1], earlier, figures, now) if windows else []
    if not found:
        return Check("volume", observed + _usual(earlier), "", "not judged", value=last)
    odd = next((each for each in found if not each.met), found[0])
    window = odd.window
    seen = f"; {_count(window):,} from {window.start:%Y-%m-%dT%H:%MZ} to {window.until:%Y-%m-%dT%H:%MZ}"
    return Check(
        "volume", observed + seen, f"as usual, {odd.low:,.0f} to {odd.high:,.0f}", result(odd.met),
        value=_count(window), low=odd.low, high=odd.high, since=window.start, until=window.until,
    )  # fmt: skip


def expected(window: Window, earlier: Sequence[Window], figures: Figures, now: datetime) -> list[Expected]:
    """Return what is usual of the last whole window, and of the hours of the one that is not over, as far as known.

    Nothing is known before seven windows of a whole week, nor where most of them are empty: what comes now and then
    has no usual number.
    """
    if len(earlier) < ENOUGH or earlier[0].start > window.start - WEEK:
        return []
    alike = [_count(each) for each in earlier if each.is_like(window)]
    if len(alike) >= _WEEKS:
        noise, centre = _noise(earlier), median(alike)
        whole = [_moved(_around(window, centre, noise * centre), figures, now)] if centre else []
        return [*whole, *_begun(earlier, noise, figures, now)]
    counts = [_count(each) for each in earlier]
    centre, far = median(counts), spread(counts)
    if not centre:
        return []
    found = _moved(_around(window, centre, far), figures, now)
    before = (_around(window, count, far * count / centre) for count in alike)
    as_before = next((each for each in before if each.met), None)
    return [found if found.met or as_before is None else as_before]


def _begun(earlier: Sequence[Window], noise: float, figures: Figures, now: datetime) -> list[Expected]:
    """Return what is usual by now, counted from where the window begins or from an hour before, whichever is met."""
    window = figures.so_far(now)
    alike = [each for each in earlier if each.is_like(window)]
    if len(alike) < _WEEKS or figures.gauge:
        return []
    found = [_by_now(window, alike, noise, figures, ahead) for ahead in (timedelta(), HOUR)]
    there = [each for each in found if each is not None]
    return [next((each for each in there if each.met), there[0])] if len(there) == len(found) else []


def _by_now(
    window: Window, alike: Sequence[Window], noise: float, figures: Figures, ahead: timedelta
) -> Expected | None:
    whole, took = median(map(_count, alike)), window.until - window.start
    sooner, later = (
        median(_count(figures.span(each.start - ahead, each.start + took + by)) for each in alike)
        for by in (-HOUR, HOUR)
    )
    if sooner < _EARLY * whole or not sooner:
        return None
    # In a part of a window chance makes more.
    least, most = (_around(window, centre, noise * centre * sqrt(whole / centre)) for centre in (sooner, later))
    return Expected(figures.span(window.start - ahead, window.until), least.low, most.high)


def _moved(whole: Expected, figures: Figures, now: datetime) -> Expected:
    """Return what is usual of a window; of one that is odd only by where it begins, an hour sooner: a load near
    midnight was late for once, or its clock goes by summer time. It has to be as usual an hour later, too.
    """
    if whole.met or figures.gauge or figures.window <= HOUR:
        return whole
    start, until = whole.window.start, whole.window.until
    sooner, later = (whole.at(figures.span(start + by, until + by)) for by in (-HOUR, HOUR))
    return sooner if sooner.met and (now < later.window.until or later.met) else whole


def _noise(windows: Sequence[Window]) -> float:
    """Return how far a window may lie from those whole weeks apart from it, as a share of them.

    Each is held against the others: of four, two lie next to a median that is made of themselves.
    """
    groups: dict[timedelta, list[int]] = {}
    for window in windows:
        groups.setdefault((window.start - windows[0].start) % WEEK, []).append(_count(window))
    pairs = [(each, median(g[:n] + g[n + 1 :])) for g in groups.values() if len(g) > 1 for n, each in enumerate(g)]
    off = [count / others - 1 for count, others in pairs if others]
    return spread(off, 0.0) if off else 0.0


def _around(window: Window, centre: float, far: float) -> Expected:
    off = margin(centre, far)
    return Expected(window, max(centre - off, 0.0), centre + off)


def _bounded(last: int | None, observed: str, now: datetime, wanted: Volume, *, young: bool) -> Check:
    least = [f"at least {wanted.least:,}"] if wanted.least is not None else []
    most = [f"at most {wanted.most:,}"] if wanted.most is not None else []
    met = None if last is None else (wanted.least or 0) <= last and (wanted.most is None or last <= wanted.most)
    if young and last is not None and last < (wanted.least or 0):
        met = None  # a stream that began within the window has not had the time
    return Check(
        "volume", observed, ", ".join(least + most), result(met), value=last, low=wanted.least, high=wanted.most,
        since=now - wanted.window,
    )  # fmt: skip


def _usual(earlier: Sequence[Window]) -> str:
    if len(earlier) < 3:  # noqa: PLR2004 - of two there is no median to speak of
        return ""
    return f"; {median(map(_count, earlier)):,.0f} is the median of the {len(earlier)} windows before"


def _count(window: Window) -> int:
    return window.sums.volume or 0
