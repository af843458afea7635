"""Streams that are loaded hour by hour for weeks, by day and night, with quiet weekends."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import numpy as np

from datastream.catalog import Volume
from datastream.quality.buckets import Sums
from datastream.quality.check import Check
from datastream.quality.figures import Figures, Unhealthy
from datastream.quality.volume import volume

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
Rows = Callable[[datetime, int], int | None]


def as_it_was(_: datetime, rows: int) -> int | None:
    return rows


def figures_of(
    days: int, rows: Rows = as_it_was, seed: int = 0, noise: float = 0.1, window: timedelta = DAY
) -> Iterator[tuple[datetime, Figures]]:
    """Yield the figures of a stream at the end of each hour."""
    rng, figures = np.random.default_rng(seed), Figures(window=window)
    for hour in range(days * 24):
        at = MONDAY + hour * HOUR
        level = 100 * (1 + 0.8 * np.sin(at.hour / 24 * 2 * np.pi)) * (0.2 if at.weekday() >= 5 else 1)
        loaded = rows(at, int(rng.poisson(level) * max(0.0, rng.normal(1, noise))))
        if loaded is not None:
            figures.add(at + HOUR / 2, Sums(loaded, loaded))
        figures.trim(at + HOUR)
        yield at + HOUR, figures


def checked(days: int, every: int = 12, unhealthy: list[Unhealthy] | None = None, **of: object) -> list[Check]:
    """Ask every so many hours; nothing is learned from what is not met."""
    unhealthy, found = [] if unhealthy is None else unhealthy, []
    for hour, (now, figures) in enumerate(figures_of(days, **of)):
        if hour % every == every - 1:
            check = volume(figures, now, Volume(window=figures.window), unhealthy)
            if check.result == "not met":
                unhealthy.append(Unhealthy("volume", "", check.since, check.until))
            found.append(check)
    return found
