"""The contract of a stream buffer, held by every implementation."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr

from datastream.buffers import BEGINNING, Buffer, BufferAway, BufferFull, BufferUnsafe, Delivery, EpochChanged
from datastream.buffers.memory import MemoryBuffer
from datastream.buffers.redis import open_buffer
from datastream.connections import BufferConfig
from deployments.stack import valkey

WEEK = timedelta(days=7)
LANE = "orders:0"


@pytest.fixture(params=["memory", "redis"])
def buffer(request: pytest.FixtureRequest) -> Iterator[Buffer]:
    if request.param == "memory":
        yield MemoryBuffer()
        return
    url = request.getfixturevalue("valkey_url")
    with open_buffer(BufferConfig(url=SecretStr(url))) as opened, redis.Redis.from_url(url) as client:
        client.flushall()
        yield opened
        client.flushall()


def flush(buffer: Buffer, request: pytest.FixtureRequest) -> None:
    if isinstance(buffer, MemoryBuffer):
        buffer.flush()
    else:
        with redis.Redis.from_url(request.getfixturevalue("valkey_url")) as client:
            client.flushall()


def posts(*ids: str) -> list[Delivery]:
    return [Delivery(name, b'{"id": "%b"}' % name.encode()) for name in ids]


def everything(buffer: Buffer) -> list[str]:
    return [entry.delivery.id for entry in buffer.read(LANE, buffer.reach(LANE).epoch, BEGINNING, 1000)]


def test_what_is_appended_is_read_in_its_order_and_as_it_came(buffer: Buffer) -> None:
    assert buffer.append(LANE, posts("a", "b"), WEEK) == [True, True]
    assert buffer.append(LANE, posts("c"), WEEK) == [True]
    reach = buffer.reach(LANE)
    found = buffer.read(LANE, reach.epoch, BEGINNING, 10)
    assert [entry.delivery for entry in found] == posts("a", "b", "c")
    assert found[-1].position == reach.last


def test_a_repeat_is_kept_once(buffer: Buffer) -> None:
    """Within one call, and in a later one."""
    assert buffer.append(LANE, posts("a", "a", "b"), WEEK) == [True, False, True]
    assert buffer.append(LANE, posts("b", "c"), WEEK) == [False, True]
    assert everything(buffer) == ["a", "b", "c"]


def test_a_repeat_of_what_was_trimmed_is_still_a_repeat(buffer: Buffer) -> None:
    buffer.append(LANE, posts("a"), WEEK)
    reach = buffer.reach(LANE)
    buffer.trim(LANE, reach.epoch, reach.last)
    assert (buffer.append(LANE, posts("a"), WEEK), buffer.depth(LANE)) == ([False], 0)


def test_lanes_of_a_stream_share_what_is_remembered_and_streams_do_not(buffer: Buffer) -> None:
    buffer.append(LANE, posts("a"), WEEK)
    assert buffer.append("orders:1", posts("a", "b"), WEEK) == [False, True]
    assert buffer.append("flights:0", posts("a"), WEEK) == [True]
    assert (buffer.depth(LANE), buffer.depth("orders:1"), buffer.depth("flights:0")) == (1, 1, 1)
    assert buffer.reach(LANE).epoch == buffer.reach("orders:1").epoch


def test_reading_goes_on_after_a_position(buffer: Buffer) -> None:
    buffer.append(LANE, posts(*"abcde"), WEEK)
    epoch = buffer.reach(LANE).epoch
    first = buffer.read(LANE, epoch, BEGINNING, 2)
    rest = buffer.read(LANE, epoch, first[-1].position, 10)
    assert [entry.delivery.id for entry in (*first, *rest)] == list("abcde")


def test_trimming_forgets_up_to_a_position_and_no_further(buffer: Buffer) -> None:
    buffer.append(LANE, posts(*"abc"), WEEK)
    epoch = buffer.reach(LANE).epoch
    buffer.trim(LANE, epoch, buffer.read(LANE, epoch, BEGINNING, 2)[-1].position)
    assert (everything(buffer), buffer.depth(LANE)) == (["c"], 1)


def test_an_empty_lane_reaches_nowhere(buffer: Buffer) -> None:
    reach = buffer.reach(LANE)
    assert (reach.last, buffer.read(LANE, reach.epoch, BEGINNING, 10)) == (BEGINNING, [])


def test_a_flush_begins_a_new_epoch(buffer: Buffer, request: pytest.FixtureRequest) -> None:
    """A position of the old one is refused for reading, and forgets nothing of the new one."""
    buffer.append(LANE, posts("a"), WEEK)
    old = buffer.reach(LANE)
    flush(buffer, request)
    buffer.append(LANE, posts("b"), WEEK)
    with pytest.raises(EpochChanged, match="emptied or restarted"):
        buffer.read(LANE, old.epoch, BEGINNING, 10)
    buffer.trim(LANE, old.epoch, "9999999999999-0")
    assert everything(buffer) == ["b"]


def test_the_epoch_stays_while_the_buffer_does(buffer: Buffer) -> None:
    before = buffer.reach(LANE)
    buffer.append(LANE, posts("a"), WEEK)
    assert buffer.reach(LANE).epoch == before.epoch


def test_a_buffer_that_keeps_what_it_takes_says_so(buffer: Buffer) -> None:
    assert re.search("memory|appends to disk", buffer.check())


@pytest.fixture
def settings(valkey_url: str) -> Iterator[redis.Redis]:
    """The server's own settings, put back in the end."""
    with redis.Redis.from_url(valkey_url) as client:
        yield client
        client.config_set("maxmemory", 0)
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("appendonly", "yes")
        client.flushall()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [("appendonly", "no", "Set `appendonly yes`"), ("maxmemory-policy", "allkeys-lru", "maxmemory-policy noeviction")],
)
def test_a_buffer_that_could_lose_something_is_refused(
    settings: redis.Redis, valkey_url: str, name: str, value: str, said: str
) -> None:
    settings.config_set(name, value)
    with open_buffer(BufferConfig(url=SecretStr(valkey_url))) as buffer, pytest.raises(BufferUnsafe, match=said):
        buffer.check()


def test_a_full_buffer_takes_nothing_and_can_be_drained(settings: redis.Redis, valkey_url: str) -> None:
    with open_buffer(BufferConfig(url=SecretStr(valkey_url))) as buffer:
        buffer.append(LANE, posts("a"), WEEK)
        settings.config_set("maxmemory", "1mb")
        with pytest.raises(BufferFull, match="takes nothing more"):
            buffer.append(LANE, posts("b"), WEEK)
        with pytest.raises(BufferFull, match="needed to drain it"):
            buffer.check()
        reach = buffer.reach(LANE)
        assert len(buffer.read(LANE, reach.epoch, BEGINNING, 10)) == 1
        buffer.trim(LANE, reach.epoch, reach.last)
        assert buffer.depth(LANE) == 0


def test_large_deliveries_come_in_pieces(valkey_url: str) -> None:
    """While a script runs nobody else is served, so one answer holds some 4 MiB."""
    with open_buffer(BufferConfig(url=SecretStr(valkey_url))) as buffer, redis.Redis.from_url(valkey_url) as client:
        client.flushall()
        for name in range(30):
            buffer.append(LANE, [Delivery(f"m{name}", b"x" * 1024 * 1024)], WEEK)
        epoch = buffer.reach(LANE).epoch
        first = buffer.read(LANE, epoch, BEGINNING, 1000)
        rest = buffer.read(LANE, epoch, first[-1].position, 1000)
        client.flushall()
    assert (len(first), len(rest)) == (20, 10)


def test_a_failover_begins_a_new_epoch(tmp_path: Path) -> None:
    """A server that was a replica for a while may have rolled back, though it never restarted."""
    with valkey(tmp_path) as url, open_buffer(BufferConfig(url=SecretStr(url))) as buffer:
        before = buffer.reach(LANE)
        with redis.Redis.from_url(url) as client:
            client.execute_command("REPLICAOF", "127.0.0.1", "9")
            client.execute_command("REPLICAOF", "NO", "ONE")
        assert buffer.reach(LANE).epoch != before.epoch


def test_a_restart_begins_a_new_epoch_with_what_was_there(tmp_path: Path) -> None:
    with valkey(tmp_path) as url, open_buffer(BufferConfig(url=SecretStr(url))) as buffer:
        buffer.append(LANE, posts("a"), WEEK)
        before = buffer.reach(LANE)
    with valkey(tmp_path) as url, open_buffer(BufferConfig(url=SecretStr(url))) as buffer:
        assert buffer.append(LANE, posts("a", "b"), WEEK) == [False, True]
        assert everything(buffer) == ["a", "b"]
        assert buffer.reach(LANE).epoch != before.epoch


def test_a_buffer_that_is_away_is_told_in_a_sentence() -> None:
    nowhere = BufferConfig(url=SecretStr("redis://127.0.0.1:9/0"))
    with open_buffer(nowhere) as buffer, pytest.raises(BufferAway, match="Is DATASTREAM_REDIS_URL right"):
        buffer.reach(LANE)
