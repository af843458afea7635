"""What is kept of a stream's commits: sums by hour, by day, and by a small part of the last window. Their number is
bounded, however many commits there are and however often they are asked about.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec

from datastream.quality.buckets import Buckets, Sums

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
_HOURS_KEPT, _DAYS_KEPT = 30 * 24, 98
_SLOTS = 288
"""Of the last window: for a day, five minutes each. A window begins by at most one of them too early."""
_OF_HOURS, _OF_DAYS = 4 * DAY, 14 * DAY
"""Up to so long windows are made of hours and of days; of longer ones too few are kept to learn from."""
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)


class Window(msgspec.Struct, frozen=True):
    """A window that is over."""

    start: datetime
    until: datetime
    sums: Sums

    def is_like(self, other: "Window") -> bool:
        """Tell whether it lies whole weeks apart from another."""
        return (self.start - other.start) % WEEK == timedelta()


class Unhealthy(msgspec.Struct, array_like=True, frozen=True):
    """A time in which a check was not met: nothing is learned from it."""

    check: str
    subject: str
    since: datetime
    until: datetime


def healthy(windows: Sequence[Window], unhealthy: Sequence[Unhealthy], check: str) -> list[Window]:
    """Return the windows in which a check was met all the time, or not judged."""
    times = [(each.since, each.until) for each in unhealthy if each.check == check and not each.subject]
    return [window for window in windows if not any(s < window.until and window.start < u for s, u in times)]


class Figures(msgspec.Struct):
    """All sums of a stream."""

    window: timedelta
    """That of the stream's file."""
    gauge: bool = False
    """The stream is replaced by each pass, so that its volume is that of the last snapshot and no sum."""
    began: datetime | None = None
    """When the first commit was decided that is known."""
    slots: Buckets = msgspec.field(default_factory=lambda: Buckets(DAY.total_seconds() / _SLOTS, _SLOTS + 1))
    hours: Buckets = msgspec.field(default_factory=lambda: Buckets(HOUR.total_seconds(), _HOURS_KEPT))
    days: Buckets = msgspec.field(default_factory=lambda: Buckets(DAY.total_seconds(), _DAYS_KEPT))

    def use(self, window: timedelta) -> None:
        """Go by another window from now on: what is kept of the last one is made anew from the hours, or the days."""
        if window != self.window or self.slots.seconds != window.total_seconds() / _SLOTS:
            self.window, self.slots = window, Buckets(window.total_seconds() / _SLOTS, _SLOTS + 1)
            of = self.hours if window <= _HOURS_KEPT * HOUR else self.days
            for number, sums in sorted(of.spans.items()):
                self.slots.add(datetime.fromtimestamp(number * of.seconds, UTC), sums, gauge=self.gauge)

    def add(self, at: datetime, sums: Sums) -> None:
        """Count a commit in."""
        self.began = at if self.began is None else min(at, self.began)
        for buckets in (self.slots, self.hours, self.days):
            buckets.add(at, sums, gauge=self.gauge)

    def trim(self, now: datetime) -> None:
        """Let go what is too old."""
        for buckets in (self.slots, self.hours, self.days):
            buckets.trim(now)

    def last(self, now: datetime) -> Sums:
        """Return the sums of the last window, up to now; of another machine's clock that is ahead, too."""
        return self.slots.between(now - self.window, now + DAY, gauge=self.gauge)

    def whole(self, now: datetime) -> list[Window]:
        """Return the windows that are over and begin after the stream did, oldest first.

        They begin on the full hour, day or week of UTC. None, where they are not made of whole hours or days.
        """
        buckets = self._made_of()
        if buckets is None or self.began is None:
            return []
        width = self.window
        first = -((_MONDAY - self.began) // width)  # rounded up
        first = max(first, -((_MONDAY - (now - buckets.kept * timedelta(seconds=buckets.seconds))) // width))
        edges = [_MONDAY + number * width for number in range(first, (now - _MONDAY) // width + 1)]
        if not edges:
            return []
        sums = buckets.split(edges, gauge=self.gauge)
        return [Window(*ends, each) for ends, each in zip(pairwise(edges), sums, strict=True)]

    def so_far(self, now: datetime) -> Window:
        """Return the whole hours of the window that is not over."""
        start = _MONDAY + (now - _MONDAY) // self.window * self.window
        return self.span(start, start + (now - start) // HOUR * HOUR)

    def span(self, start: datetime, until: datetime) -> Window:
        """Return the sums of some whole hours."""
        return Window(start, until, self.hours.between(start, until, gauge=self.gauge))

    def _made_of(self) -> Buckets | None:
        for buckets, longest in ((self.hours, _OF_HOURS), (self.days, _OF_DAYS)):
            if self.window % timedelta(seconds=buckets.seconds) == timedelta() and self.window <= longest:
                return buckets
        return None
