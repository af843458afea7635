"""Asks Redis, and this process instead while Redis is away."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import msgspec
import redis

from datastream.clock import Clock

logger = logging.getLogger(__name__)
T = TypeVar("T")

_ASKED_AGAIN_AFTER = timedelta(seconds=30)
"""So long nothing is asked of a Redis that did not answer: each time costs its timeout."""


class Fallback:
    """What workers share in Redis, and each has for itself as long as Redis is away. `what` names it for people."""

    def __init__(self, what: str, clock: Clock) -> None:
        self._what, self._clock = what, clock
        self._away_until = clock.monotonic()

    def ask(self, shared: Callable[[], T], own: Callable[[], T]) -> T:
        """Return what `shared` returns; where Redis does not answer, or with what nobody reads, what `own` does."""
        if self._clock.monotonic() < self._away_until:
            return own()
        try:
            return shared()
        except (redis.RedisError, msgspec.DecodeError) as error:
            self._away_until = self._clock.monotonic() + _ASKED_AGAIN_AFTER.total_seconds()
            logger.warning("%s are not shared with other workers for now, because Redis is away: %s", self._what, error)
            return own()
