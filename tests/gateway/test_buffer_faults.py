"""The buffer is away, hangs, is full or unsafe: 503 with Retry-After, the cause in /health/ready, nothing lost."""

import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr

from datastream.buffers import BufferAway
from datastream.buffers.redis import RedisBuffer, open_buffer
from datastream.buffers.scripts import entries
from datastream.connections import BufferConfig
from deployments.stack.waiting import wait_until
from tests.gateway.faults import Valkey, a_valkey, load
from tests.gateway.serving import STREAM, Sender, kept, serving, write_stream

SOON = timedelta(seconds=10)


@pytest.fixture
def gateway(buffer: RedisBuffer, streams: Path) -> Iterator[Sender]:
    with serving(buffer, streams) as sender:
        yield sender


@pytest.fixture
def settings(valkey_url: str, buffer: RedisBuffer) -> Iterator[redis.Redis]:
    """The server's own settings, put back in the end."""
    with redis.Redis.from_url(valkey_url) as client:
        yield client
        client.replicaof("NO", "ONE")
        for name, value in {"maxmemory": 0, "maxmemory-policy": "noeviction", "appendonly": "yes"}.items():
            client.config_set(name, value)
        assert "appends to disk" in buffer.check()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("appendonly", "no", "Set `appendonly yes`"),
        ("maxmemory-policy", "allkeys-lru", "Set `maxmemory-policy noeviction`"),
        ("maxmemory", "1mb", "the rest is needed to drain it"),
    ],
)
def test_what_could_lose_a_post_takes_none_and_is_named(
    gateway: Sender, settings: redis.Redis, buffer: RedisBuffer, name: str, value: str, said: str
) -> None:
    settings.config_set(name, value)
    assert wait_until(lambda: said in gateway.trouble("redis"), SOON)
    assert wait_until(lambda: not gateway.takes_posts(), SOON)
    before = len(kept(buffer))
    answer = gateway.post()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30" if name == "maxmemory" else "5")
    assert "Redis" not in answer.text
    assert len(kept(buffer)) == before
    assert gateway.get("/health/live").status_code == 200


def test_a_replica_takes_nothing_and_is_named(gateway: Sender, settings: redis.Redis) -> None:
    settings.replicaof("127.0.0.1", "1")
    assert gateway.post().status_code == 503
    assert wait_until(lambda: "replica of 127.0.0.1" in gateway.trouble("redis"), SOON)


def test_a_lane_that_is_spoilt_leaves_the_others_alone(buffer: RedisBuffer, valkey_url: str, streams: Path) -> None:
    write_stream(streams, "arrivals")
    with serving(buffer, streams) as gateway, redis.Redis.from_url(valkey_url) as client:
        client.set(entries("arrivals:0"), "no stream of Redis")
        assert gateway.post(stream="arrivals").status_code == 503
        assert gateway.post(stream=STREAM).status_code == 202


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Valkey]:
    with a_valkey(tmp_path / "valkey") as running:
        yield running


@pytest.fixture
def own(server: Valkey) -> Iterator[RedisBuffer]:
    with open_buffer(BufferConfig(url=SecretStr(server.url), timeout=timedelta(seconds=1))) as opened:
        yield opened


def test_killed_and_started_again_under_load_it_loses_and_doubles_nothing(
    server: Valkey, own: RedisBuffer, streams: Path
) -> None:
    """Every 202 is kept exactly once, everything else was 503, and posts are taken again without anybody's help."""
    with serving(own, streams) as gateway:
        with load(gateway.url) as made:
            for _ in range(3):
                enough = len(made.accepted) + 200
                assert wait_until(lambda enough=enough: len(made.accepted) > enough, SOON)
                server.signal(signal.SIGKILL)
                refused = made.answers[503]
                assert wait_until(lambda refused=refused: made.answers[503] > refused, SOON)
                server.start()
        found = [delivery.id for delivery in kept(own)]
    assert set(made.answers) == {202, 503}
    assert (made.lost(found), made.strange(found)) == (set(), [])
    assert len(made.accepted) > 600


def test_one_that_hangs_holds_no_request_and_no_probe(server: Valkey, own: RedisBuffer, streams: Path) -> None:
    """What it was told meanwhile it may do when it goes on; the sender repeats it, and it is kept once."""
    with serving(own, streams) as gateway:
        assert gateway.takes_posts()
        server.signal(signal.SIGSTOP)
        began = time.monotonic()
        answer = gateway.post(name="meanwhile")
        assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
        assert time.monotonic() - began < 2.5
        began = time.monotonic()
        assert gateway.trouble("redis") != ""
        assert time.monotonic() - began < 2
        server.signal(signal.SIGCONT)
        assert wait_until(lambda: gateway.post(name="meanwhile").status_code == 202, SOON)
        assert [delivery.id for delivery in kept(own)].count("meanwhile") == 1


def test_away_from_the_beginning_it_is_waited_for(server: Valkey, own: RedisBuffer, streams: Path) -> None:
    server.signal(signal.SIGKILL)
    assert wait_until(lambda: not _answers(own), SOON)
    with serving(own, streams) as gateway:
        assert gateway.post().status_code == 503
        assert "Is DATASTREAM_REDIS_URL right" in gateway.trouble("redis")
        server.start()
        assert wait_until(gateway.takes_posts, SOON)
        assert gateway.get("/health/ready").status_code == 200


def _answers(buffer: RedisBuffer) -> bool:
    try:
        buffer.check()
    except BufferAway:
        return False
    return True
