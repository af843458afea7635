"""A lease on a lane, so that two runs do not do the same work. It fences nothing: the lake's create-only names do.

So it fails open. Where Redis is not configured or away, the lane is drained without one; work may then be done twice,
and nothing is loaded twice. Keys: `datastream:lease:{stream}:{lane}`, with the holder's token, expiring by Redis' time.
The token is the name of the holder's connection as well: where that is gone the holder is dead, and the lease is free.
"""

import logging
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import redis

from datastream.buffers.connection import again_at_once, connect
from datastream.buffers.presence import connected
from datastream.clock import Clock, SystemClock
from datastream.connections import BufferConfig
from datastream.errors import Transient

logger = logging.getLogger(__name__)

_HOLDER = "datastream-lease-"
_RENEW = """#!lua flags=allow-oom
local holder = redis.call('get', KEYS[1])
if holder == ARGV[1] or not holder then return redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 0
"""
"""What ran out while its holder slept, or went with an emptied server, is held again unless another has it."""
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


class LaneBusy(Transient):
    """Another run is draining the lane and is alive."""


@dataclass(frozen=True, slots=True)
class LeasePolicy:
    """How long a lease lasts after its holder's last sign of life, and how long it is waited for."""

    lasts: timedelta = timedelta(seconds=15)
    poll: timedelta = timedelta(milliseconds=200)
    looks_every: timedelta = timedelta(seconds=2)
    """For who is connected: to list thousands of connections holds the server up."""

    @property
    def renewed_every(self) -> timedelta:
        """A third of the lease: two signs of life may be missed."""
        return self.lasts / 3

    @property
    def waits(self) -> timedelta:
        """A little longer than the lease of a holder that died."""
        return self.lasts * 1.2


@contextmanager
def lease(
    buffer: BufferConfig | None,
    stream: str,
    lane: str,
    policy: LeasePolicy | None = None,
    clock: Clock | None = None,
    patience: timedelta | None = None,
) -> Iterator[None]:
    """Hold the lease of a lane. A dead holder's is waited for, for `patience` at most; raises LaneBusy after that."""
    policy, clock = policy or LeasePolicy(), clock or SystemClock()
    patience = policy.waits if patience is None else patience
    if buffer is None:
        yield
        return
    key, token = f"datastream:lease:{stream}:{lane}", f"{_HOLDER}{secrets.token_hex(8)}"
    with connect(buffer, token) as client:
        try:
            _acquire(client, key, token, policy, clock, patience)
        except redis.RedisError as error:
            logger.warning("Lane %s of %s is drained without a lease, because Redis is away: %s", lane, stream, error)
            yield
            return
        with _renewed(client, key, token, policy):
            yield


def _acquire(client: redis.Redis, key: str, token: str, policy: LeasePolicy, clock: Clock, patience: timedelta) -> None:
    deadline, look_at = clock.monotonic() + patience.total_seconds(), 0.0
    while not client.set(key, token, nx=True, px=policy.lasts):
        if clock.monotonic() >= look_at:
            if _freed(client, key, policy.lasts):
                continue
            look_at = clock.monotonic() + policy.looks_every.total_seconds()
        if clock.monotonic() >= deadline:
            raise LaneBusy(
                f"{key.removeprefix('datastream:lease:')} is being drained by another run, which is alive. "
                "Nothing was done here; that run takes everything that waits."
            )
        clock.sleep(policy.poll)


def _freed(client: redis.Redis, key: str, settled: timedelta) -> bool:
    """Take the lease from a holder whose process is gone, and tell whether it was."""
    found = client.get(key)
    holder = found.decode() if isinstance(found, bytes) else ""
    names = connected(client, settled) if holder.startswith(_HOLDER) else None
    return names is not None and holder not in names and bool(client.eval(_RELEASE, 1, key, holder))


@contextmanager
def _renewed(client: redis.Redis, key: str, token: str, policy: LeasePolicy) -> Iterator[None]:
    done = threading.Event()
    thread = threading.Thread(target=_renew, args=(client, key, token, policy, done), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        try:
            client.eval(_RELEASE, 1, key, token)
        except redis.RedisError as error:
            logger.warning("The lease %s could not be given back and runs out by itself: %s", key, error)


def _renew(client: redis.Redis, key: str, token: str, policy: LeasePolicy, done: threading.Event) -> None:
    while not done.wait(policy.renewed_every.total_seconds()):
        try:
            again_at_once(lambda: client.eval(_RENEW, 1, key, token, int(policy.lasts.total_seconds() * 1000)))
        except redis.RedisError as error:
            logger.warning("The lease %s could not be renewed: %s", key, error)
