"""Waits for a condition instead of for a while."""

from collections.abc import Callable
from datetime import timedelta

from datastream.clock import Clock, SystemClock

EVERY = timedelta(milliseconds=50)


def wait_until(condition: Callable[[], bool], within: timedelta, clock: Clock | None = None) -> bool:
    """Ask again and again, at least once; return whether it came true before the deadline."""
    clock = clock or SystemClock()
    deadline = clock.monotonic() + within.total_seconds()
    while not condition():
        if clock.monotonic() >= deadline:
            return False
        clock.sleep(EVERY)
    return True
