"""Time as an argument. Product code asks a Clock; tests turn a ManualClock by hand and never sleep."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where now and waiting come from."""

    def now(self) -> datetime:
        """Return the wall-clock time, in UTC; it may jump, so never measure a duration with it."""

    def monotonic(self) -> float:
        """Return seconds that only ever grow, for measuring durations."""

    def sleep(self, duration: timedelta) -> None:
        """Return after `duration`."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, duration: timedelta) -> None:
        time.sleep(duration.total_seconds())


class ManualClock:
    """A clock that moves only when told to; sleeping moves it and returns at once."""

    def __init__(self, now: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = now
        self._elapsed = timedelta()
        self.slept: list[timedelta] = []

    def now(self) -> datetime:
        return self._now + self._elapsed

    def monotonic(self) -> float:
        return self._elapsed.total_seconds()

    def sleep(self, duration: timedelta) -> None:
        self.slept.append(duration)
        self.advance(duration)

    def advance(self, duration: timedelta) -> None:
        """Move time forward by `duration`."""
        self._elapsed += duration
