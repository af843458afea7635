"""Estimates what a buffer lost of what it had accepted: when it was flushed, or restarted from an older copy.

What is decided is safe on the lake; what waited and was not decided yet is gone with the buffer, and only whoever
accepted it can tell. It is an estimate: it knows how much waited at the last look, and how much was accepted since.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from threading import Lock
from typing import NamedTuple

from datastream.buffers import Delivery, Reach

logger = logging.getLogger(__name__)


class _Known(NamedTuple):
    """A lane at the last look, and what this gateway has accepted since."""

    reach: Reach
    accepted: int = 0


class Losses:
    """What seems to be lost, by lane. Safe to use from several threads."""

    def __init__(self, append: Callable[[str, Sequence[Delivery], timedelta], list[bool]]) -> None:
        self.estimated: dict[str, int] = {}
        self._append = append
        self._known: dict[str, _Known] = {}
        self._lock = Lock()

    def append(self, lane: str, deliveries: Sequence[Delivery], remembered: timedelta) -> list[bool]:
        """Append, and count what was accepted."""
        with self._lock:  # a look in between would not know to which side these belong
            new = self._append(lane, deliveries, remembered)
            if lane in self._known:
                self._known[lane] = self._known[lane]._replace(accepted=self._known[lane].accepted + sum(new))
        return new

    def look(self, lanes: Iterable[str], reach: Callable[[str], Reach]) -> None:
        """Compare each lane with what was known of it. An epoch that is new is when something may be lost."""
        for lane in lanes:
            with self._lock:
                now, before = reach(lane), self._known.get(lane)
                self._known[lane] = _Known(now)
            if before is not None and before.reach.epoch != now.epoch:
                self._judge(lane, before, now)

    def _judge(self, lane: str, before: _Known, now: Reach) -> None:
        waited = before.reach.waiting + before.accepted
        missing = before.reach.added + before.accepted - now.added
        lost = min(waited, max(0, missing))
        self.estimated[lane] = self.estimated.get(lane, 0) + lost
        if lost:
            logger.error(
                "The buffer of %s was flushed, or restarted from an older copy: about %s accepted deliveries are lost "
                "that no commit holds yet. This is an estimate. Have the senders post again what they sent lately: "
                "what is there already is kept once.",
                lane,
                lost,
            )
