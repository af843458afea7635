"""What is known of dependencies that fail: the contract of the place where it is kept, and one in memory.

A dependency that is well has no state. The other place is Redis (`datastream.buffers.breakers`), where all workers
share what they know; one contract suite holds both.
"""

from datetime import datetime
from threading import Lock
from typing import Protocol

import msgspec


class BreakerState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A dependency that has failed lately."""

    failures: int = 0
    """Calls in a row that failed, each in spite of its retries."""
    error: str = ""
    """What the last of them said."""
    since: datetime | None = None
    """When the breaker opened; None while it is closed."""
    until: datetime | None = None
    """When the next probe may be made; None while it is closed."""

    def stage(self, now: datetime) -> str:
        """Return closed, open or half-open."""
        if self.until is None:
            return "closed"
        return "open" if now < self.until else "half-open"


class BreakerStates(Protocol):
    """States by the names of dependencies. Every method answers, whatever is broken."""

    def get(self, name: str) -> BreakerState | None:
        """Return the state of a dependency; None if it is well."""

    def swap(self, name: str, before: BreakerState | None, after: BreakerState | None) -> bool:
        """Replace `before` by `after` in one step. False means that another worker was faster: look again."""

    def all(self) -> dict[str, BreakerState]:
        """Return what is known of every dependency that is not well."""


class MemoryStates:
    """States of one process, shared by its threads."""

    def __init__(self) -> None:
        self._states: dict[str, BreakerState] = {}
        self._lock = Lock()

    def get(self, name: str) -> BreakerState | None:
        return self._states.get(name)

    def swap(self, name: str, before: BreakerState | None, after: BreakerState | None) -> bool:
        with self._lock:
            if self._states.get(name) != before:
                return False
            if after is None:
                self._states.pop(name, None)
            else:
                self._states[name] = after
            return True

    def all(self) -> dict[str, BreakerState]:
        with self._lock:
            return dict(self._states)
