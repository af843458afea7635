"""Counts how often a claim was begun and never ended, so that a record is found out that kills whoever looks at it.

An error ends an attempt too; what leaves a count behind is death, and being cancelled, as a worker is that is held. It
fails open: where Redis is not configured or away, nothing is counted. Key: `datastream:attempts:{stream}:{lane}`, the
claim's number and the count, for 30 days.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import redis

from datastream.buffers.connection import connect
from datastream.connections import BufferConfig

logger = logging.getLogger(__name__)

_KEPT = timedelta(days=30)
_BEGIN = """
if redis.call('hget', KEYS[1], 'claim') ~= ARGV[1] then redis.call('del', KEYS[1]) end
redis.call('hset', KEYS[1], 'claim', ARGV[1])
redis.call('pexpire', KEYS[1], ARGV[2])
return redis.call('hincrby', KEYS[1], 'begun', 1)
"""


class Attempts:
    """The attempts at the claims of one lane, by their numbers. A Redis that did not answer is left alone."""

    def __init__(self, client: redis.Redis | None = None, key: str = "") -> None:
        self._client, self._key = client, key
        self._away = client is None
        self._open = False

    def begin(self, claim: int) -> int:
        """Begin an attempt, and return how many at the same claim were begun before and never ended."""
        if self._client is None or self._away:
            return 0
        self._open = True
        try:
            begun: int = self._client.eval(_BEGIN, 1, self._key, claim, int(_KEPT.total_seconds() * 1000))
        except redis.RedisError as error:
            self._away = True
            logger.warning("Attempts are not counted in %s, because Redis is away: %s", self._key, error)
            return 0
        return begun - 1

    def end(self) -> None:
        """End the attempt, well or not. One that others began, and died of, is not ended."""
        if self._client is None or self._away or not self._open:
            return
        self._open = False
        try:
            self._client.delete(self._key)
        except redis.RedisError as error:
            self._away = True
            logger.warning("The attempt in %s is not ended, because Redis is away: %s", self._key, error)


@contextmanager
def attempts(buffer: BufferConfig | None, stream: str, lane: str) -> Iterator[Attempts]:
    """Count the attempts at a lane's claims; whatever ends this in order ends the attempt."""
    if buffer is None:
        yield Attempts()
        return
    with connect(buffer) as client:
        counted = Attempts(client, f"datastream:attempts:{stream}:{lane}")
        try:
            yield counted
        except Exception:
            counted.end()
            raise
        counted.end()
