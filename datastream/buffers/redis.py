"""The stream buffer on Redis or Valkey: one Redis Stream a lane, no consumer group, never a MAXLEN.

There is one reader a lane, and what it has settled stands in the lake's log; so entries need no owner and no pending
list. They leave only by `trim`, after their commit.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import redis

from datastream.buffers import scripts
from datastream.buffers.connection import connect
from datastream.buffers.contract import (
    BufferAway,
    BufferFull,
    BufferRefused,
    BufferUnsafe,
    Delivery,
    Entry,
    EpochChanged,
    Reach,
)
from datastream.connections import BufferConfig

T = TypeVar("T")
_FULL = 0.8
"""The share of maxmemory from which on nothing more is taken: the rest is for draining."""
_READ_BYTES = 4 * 1024 * 1024
_WAIT_WHILE_FULL = timedelta(seconds=30)


class RedisBuffer:
    """Lanes on one server. Safe to use from several threads."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._append = client.register_script(scripts.APPEND)
        self._reach = client.register_script(scripts.REACH)
        self._read = client.register_script(scripts.READ)
        self._trim = client.register_script(scripts.TRIM)

    def append(self, lane: str, deliveries: Sequence[Delivery], remembered: timedelta) -> list[bool]:
        keys = [*_keys(lane), *(scripts.seen(lane, delivery.id) for delivery in deliveries)]
        lasts = int(remembered.total_seconds() * 1000)
        arguments = [_name(), lasts, *(part for delivery in deliveries for part in delivery)]
        return [bool(new) for new in _said(lambda: self._append(keys, arguments))]

    def reach(self, lane: str) -> Reach:
        epoch, last, waiting, added = _said(lambda: self._reach(_keys(lane), [_name()]))
        return Reach(epoch.decode(), last.decode(), waiting, added)

    def read(self, lane: str, epoch: str, after: str, count: int) -> list[Entry]:
        found = _said(lambda: self._read(_keys(lane), [_name(), epoch, after, count, _READ_BYTES]))
        if found is None:
            raise EpochChanged(f"{lane} was emptied or restarted while it was read. Read it from its beginning.")
        return [Entry(position.decode(), Delivery(sent.decode(), body)) for position, (_, sent, _, body) in found]

    def trim(self, lane: str, epoch: str, upto: str) -> None:
        milliseconds, _, number = upto.partition("-")
        _said(lambda: self._trim(_keys(lane), [_name(), epoch, f"{milliseconds}-{int(number) + 1}"]))

    def depth(self, lane: str) -> int:
        return int(_said(lambda: self._client.xlen(scripts.entries(lane))))

    def check(self) -> str:
        # INFO and not CONFIG, which hosted servers keep to themselves.
        info: dict[str, Any] = _said(lambda: self._client.info("everything"))
        if info["loading"]:
            raise BufferAway("Redis is reading its data from disk and takes nothing until it is done. Wait for it.")
        if info["role"] != "master":
            raise BufferUnsafe(
                f"Redis is a replica of {info.get('master_host')}, and what a replica takes is lost. Name the "
                "primary in DATASTREAM_REDIS_URL."
            )
        if not info["aof_enabled"] or info.get("aof_last_write_status") != "ok":
            raise BufferUnsafe(
                f"Redis does not keep on disk what it accepts (aof_enabled: {info['aof_enabled']}, last write: "
                f"{info.get('aof_last_write_status', 'none')}): a restart would lose it. Set `appendonly yes`, and "
                "give its disk room."
            )
        if info["maxmemory_policy"] != "noeviction":
            raise BufferUnsafe(
                f"Redis throws away keys when it is full (maxmemory-policy {info['maxmemory_policy']}), accepted "
                "records among them. Set `maxmemory-policy noeviction`."
            )
        limit, used = info["maxmemory"], info["used_memory"]
        if limit and used >= limit * _FULL:
            raise BufferFull(
                f"Redis has used {used:,} of {limit:,} bytes, and the rest is needed to drain it. Run the pipeline of "
                "the streams that wait, or raise maxmemory.",
                retry_after=_WAIT_WHILE_FULL,
            )
        kind, version = (
            ("Valkey", info["valkey_version"]) if "valkey_version" in info else ("Redis", info["redis_version"])
        )
        return f"{kind} {version} appends to disk and evicts nothing; {used:,} bytes are used."


@contextmanager
def open_buffer(config: BufferConfig) -> Iterator[RedisBuffer]:
    """Open the buffer for a while. It is dialled when it is first used."""
    with connect(config) as client:
        yield RedisBuffer(client)


def _keys(lane: str) -> list[str]:
    return [scripts.entries(lane), scripts.epoch(lane)]


def _name() -> str:
    return secrets.token_hex(8)


def _said(action: Callable[[], T]) -> T:
    """Return what Redis says; its errors become sentences."""
    try:
        return action()
    except redis.OutOfMemoryError as error:
        raise BufferFull(
            "Redis is full and takes nothing more. Run the pipeline of the streams that wait, or raise maxmemory.",
            retry_after=_WAIT_WHILE_FULL,
        ) from error
    except (redis.AuthenticationError, redis.exceptions.NoPermissionError) as error:
        raise BufferRefused(
            f"Redis does not let us in: {error}. Correct the user, password or rights in DATASTREAM_REDIS_URL or the "
            "block stream-buffer."
        ) from error
    except redis.RedisError as error:
        raise BufferAway(
            f"Redis does not answer as it should: {error}. Is DATASTREAM_REDIS_URL right, and is it up?"
        ) from error
