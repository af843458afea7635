"""How often another machine may be asked, shared in Redis: several workers together stay inside its budget.

It fails open. Where Redis is not configured or away, each process keeps to the budget by itself. Time is that of Redis.
Keys: `datastream:budget:{name}:sent`, the moments of what was sent within the allowance's span, `:number`, how many in
all, `:last`, the greatest number that may be sent until the other side's window ends, `:rest`, while nobody may ask.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import cast

import redis

from datastream.buffers.connection import connect
from datastream.buffers.fallback import Fallback
from datastream.clock import Clock
from datastream.connections import BufferConfig
from datastream.resilience.budget import SLACK, Allowance, Budgets, MemoryBudgets, Taken

_KEPT = timedelta(days=1)
_PARTS = ("sent", "number", "last", "rest")

_TAKE = """
local rest = redis.call('pttl', KEYS[4])
local number = tonumber(redis.call('get', KEYS[2]) or '0')
if rest > 0 then return {number, rest} end
local last = redis.call('get', KEYS[3])
if last and number >= tonumber(last) then return {number, math.max(redis.call('pttl', KEYS[3]), 1)} end
local most, span = tonumber(ARGV[1]), tonumber(ARGV[2])
if most > 0 then
  local time = redis.call('time')
  local now = time[1] * 1000000 + time[2]
  redis.call('zremrangebyscore', KEYS[1], '-inf', now - span * 1000)
  if redis.call('zcard', KEYS[1]) >= most then
    local oldest = redis.call('zrange', KEYS[1], 0, 0, 'withscores')
    return {number, math.max(math.ceil((tonumber(oldest[2]) + span * 1000 - now) / 1000), 1)}
  end
  redis.call('zadd', KEYS[1], now, string.format('%.0f-%d', now, number + 1))
  redis.call('pexpire', KEYS[1], span)
end
redis.call('set', KEYS[2], number + 1, 'px', ARGV[3])
return {number + 1, 0}
"""
_CEILING = """
local last = redis.call('get', KEYS[3])
if not last or tonumber(ARGV[1]) < tonumber(last) then redis.call('set', KEYS[3], ARGV[1], 'px', ARGV[2]) end
return 1
"""
_REST = """
if redis.call('pttl', KEYS[4]) < tonumber(ARGV[1]) then redis.call('set', KEYS[4], '1', 'px', ARGV[1]) end
return 1
"""


@contextmanager
def shared_budgets(buffer: BufferConfig | None, clock: Clock) -> Iterator[Budgets]:
    """Share budgets through the stream buffer for a while; without one they are the process' own."""
    if buffer is None:
        yield MemoryBudgets(clock)
        return
    with connect(buffer) as client:
        yield SharedBudgets(client, clock)


class SharedBudgets:
    """Budgets in Redis; in this process, as long as Redis is away."""

    def __init__(self, client: redis.Redis, clock: Clock) -> None:
        self._client = client
        self._own = MemoryBudgets(clock)
        self._fallback = Fallback("Budgets", clock)

    def take(self, name: str, allowance: Allowance | None) -> Taken:
        most, span = (allowance.requests, allowance.per + SLACK) if allowance else (0, timedelta())

        def shared() -> Taken:
            number, wait = cast("list[int]", self._run(_TAKE, name, most, _ms(span), _ms(_KEPT)))
            return Taken(number, timedelta(milliseconds=wait))

        return self._fallback.ask(shared, lambda: self._own.take(name, allowance))

    def ceiling(self, name: str, last: int, lasts: timedelta) -> None:
        self._fallback.ask(
            lambda: self._run(_CEILING, name, last, _ms(lasts)), lambda: self._own.ceiling(name, last, lasts)
        )

    def rest(self, name: str, lasts: timedelta) -> None:
        self._fallback.ask(lambda: self._run(_REST, name, _ms(lasts)), lambda: self._own.rest(name, lasts))

    def _run(self, script: str, name: str, *arguments: int) -> object:
        keys = [f"datastream:budget:{{{name}}}:{part}" for part in _PARTS]
        return self._client.eval(script, len(keys), *keys, *arguments)


def _ms(duration: timedelta) -> int:
    return max(int(duration.total_seconds() * 1000), 1)
