"""Ends waits that nobody wants any more: a run that is stopped does not sleep until an API may be asked again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from datastream.clock import Clock
from datastream.errors import DatastreamError

_LOOK = timedelta(seconds=0.5)


class Stopped(DatastreamError):
    """Nobody wants any more what was waited for. It is of neither family, and says nothing of the other side."""


@dataclass(slots=True)
class StoppableClock:
    """A clock whose sleepers wake within half a second once `stopped` says so. Safe to use from several threads."""

    clock: Clock
    stopped: Callable[[], bool] = lambda: False

    def now(self) -> datetime:
        return self.clock.now()

    def monotonic(self) -> float:
        return self.clock.monotonic()

    def sleep(self, duration: timedelta) -> None:
        """Return after `duration`. Raises Stopped."""
        left = duration
        while left > timedelta():
            if self.stopped():
                raise Stopped("The run was stopped while it waited to ask again.")
            self.clock.sleep(min(left, _LOOK))
            left -= _LOOK
