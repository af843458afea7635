"""Calls again what failed in passing. Only Transient errors are retried; anything else is raised at once.

Waits grow exponentially and carry jitter, so that many workers do not come back in step; what the other side asked
for with Retry-After is honoured, and given up on when it is longer than our budget. What one policy has given up on,
no other one begins again.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import TypeVar

from datastream.clock import Clock, SystemClock
from datastream.errors import Transient

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a call is tried and how long it waits in between: 3 times, after about 1 s and 2 s."""

    attempts: int = 3
    first: timedelta = timedelta(seconds=1)
    factor: float = 2.0
    jitter: float = 0.25
    """The share by which a wait may be longer, chosen by chance."""
    budget: timedelta = timedelta(minutes=2)
    """For the whole call. A wait that would end later is not begun; an attempt has a timeout of its own."""

    def call(
        self, action: Callable[[], T], *, clock: Clock | None = None, chance: Callable[[], float] = random.random
    ) -> T:
        """Return what `action` returns. Raises its last Transient error, or its first error of another kind."""
        clock = clock or SystemClock()
        deadline = clock.monotonic() + self.budget.total_seconds()
        for attempt in count(1):
            try:
                return action()
            except Transient as error:
                wait = self._wait(attempt, error, chance)
                too_late = clock.monotonic() + wait.total_seconds() > deadline
                if error.given_up or attempt >= self.attempts or too_late:
                    error.give_up()
                    raise
                clock.sleep(wait)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _wait(self, attempt: int, error: Transient, chance: Callable[[], float]) -> timedelta:
        backoff = self.first * self.factor ** (attempt - 1) * (1 + self.jitter * chance())
        return max(backoff, error.retry_after or timedelta())
