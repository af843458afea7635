"""A load that comes a little sooner or later than usual is no alarm, where it crosses the beginning of a window or not;
one that does not come at all is.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from datastream.catalog import Volume
from datastream.quality.buckets import Sums
from datastream.quality.figures import Figures
from datastream.quality.volume import volume
from tests.quality.weeks import DAY, HOUR, MONDAY

MINUTE = timedelta(minutes=1)


def odd_hours(loads: list[datetime], days: int) -> list[datetime]:
    """Load about a thousand rows at each time, ask every hour, and return when the volume was not met."""
    rng, figures, found = np.random.default_rng(0), Figures(window=DAY), []
    left = sorted(loads)
    begin = left[0].replace(minute=5)
    for hour in range(days * 24):
        now = begin + hour * HOUR
        while left and left[0] <= now:
            figures.add(left.pop(0), Sums(count := int(rng.poisson(1000)), count))
        figures.trim(now)
        if volume(figures, now, Volume(), []).result == "not met":
            found.append(now)
    return found


def daily(at: timedelta, days: int = 45, missing: int | None = None) -> list[datetime]:
    """Return a time a day that lies within some minutes of the same."""
    rng = np.random.default_rng(1)
    return [MONDAY + day * DAY + at + rng.normal(0, 5) * MINUTE for day in range(days) if day != missing]


@pytest.mark.parametrize("at", [2 * MINUTE, 10 * HOUR, 10 * HOUR - 4 * MINUTE, DAY - 8 * MINUTE])
def test_a_daily_load_that_is_some_minutes_late_or_early_is_not_odd(at: timedelta) -> None:
    assert odd_hours(daily(at), 45) == []


@pytest.mark.parametrize("at", [30 * MINUTE, 10 * HOUR, DAY - 30 * MINUTE])
def test_a_daily_load_that_does_not_come_is_found_by_the_end_of_the_day_after(at: timedelta) -> None:
    found = odd_hours(daily(at, missing=40), 45)
    assert MONDAY + 40 * DAY < found[0] <= MONDAY + 41 * DAY + 2 * HOUR


@pytest.mark.parametrize("hour", [1, 9])
def test_summer_time_moves_a_load_by_an_hour_and_that_is_not_odd(hour: int) -> None:
    """A local time and some days are a local time again: from the 29th of March on, UTC's is an hour sooner."""
    local = datetime(2026, 2, 1, hour, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert odd_hours([(local + day * DAY).astimezone(UTC) for day in range(90)], 90) == []
