"""What workers know of failing dependencies, shared in Redis: one that was found dead is left alone by all of them.

It fails open. Where Redis is not configured or away, each process keeps its own; a breaker is never the reason that
something fails. Key: the hash `datastream:breakers`, one JSON text a dependency, expiring a day after its last change.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import cast

import msgspec
import redis

from datastream.buffers.connection import connect
from datastream.buffers.fallback import Fallback
from datastream.clock import Clock, SystemClock
from datastream.connections import BufferConfig
from datastream.resilience import BreakerState, BreakerStates, MemoryStates

KEY = "datastream:breakers"
_KEPT = timedelta(days=1)

_SWAP = """
if (redis.call('hget', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
if ARGV[3] == '' then redis.call('hdel', KEYS[1], ARGV[1]) else redis.call('hset', KEYS[1], ARGV[1], ARGV[3]) end
redis.call('pexpire', KEYS[1], ARGV[4])
return 1
"""


@contextmanager
def breaker_states(buffer: BufferConfig | None) -> Iterator[BreakerStates]:
    """Share states through the stream buffer for a while; without one they are the process' own."""
    if buffer is None:
        yield MemoryStates()
        return
    with connect(buffer) as client:
        yield SharedStates(client, SystemClock())


class SharedStates:
    """States in Redis; in this process, as long as Redis is away."""

    def __init__(self, client: redis.Redis, clock: Clock) -> None:
        self._client = client
        self._own = MemoryStates()
        self._fallback = Fallback("Breakers", clock)

    def get(self, name: str) -> BreakerState | None:
        return self._fallback.ask(lambda: self._held(name), lambda: self._own.get(name))

    def swap(self, name: str, before: BreakerState | None, after: BreakerState | None) -> bool:
        arguments = (name, _encoded(before), _encoded(after), int(_KEPT.total_seconds() * 1000))
        return self._fallback.ask(
            lambda: bool(self._client.eval(_SWAP, 1, KEY, *arguments)), lambda: self._own.swap(name, before, after)
        )

    def all(self) -> dict[str, BreakerState]:
        return self._fallback.ask(self._shared, self._own.all)

    def _held(self, name: str) -> BreakerState | None:
        value = self._client.hget(KEY, name)
        return None if value is None else _state(value)

    def _shared(self) -> dict[str, BreakerState]:
        held = cast("dict[bytes, bytes]", self._client.hgetall(KEY))
        return {name.decode(): _state(value) for name, value in held.items()}


def _encoded(state: BreakerState | None) -> bytes:
    return b"" if state is None else msgspec.json.encode(state)


def _state(value: bytes | str) -> BreakerState:
    return msgspec.json.decode(value, type=BreakerState)
