"""A lease keeps two runs off one lane, ends with its holder, and stops nobody when Redis is away."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr

from datastream.buffers.lease import LaneBusy, LeasePolicy, lease
from datastream.connections import BufferConfig
from deployments.stack import valkey
from deployments.stack.waiting import wait_until

SHORT = LeasePolicy(lasts=timedelta(milliseconds=300), poll=timedelta(milliseconds=20))
KEY = "datastream:lease:orders:0"


def at(url: str) -> BufferConfig:
    return BufferConfig(url=SecretStr(url))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture
def url(server: str) -> Iterator[str]:
    yield server
    with redis.Redis.from_url(server) as client:
        assert client.keys("*") == [], "a key was left"


def test_of_two_runs_one_has_the_lane(url: str) -> None:
    second = lease(at(url), "orders", "0", SHORT)
    with lease(at(url), "orders", "0", SHORT), pytest.raises(LaneBusy, match=r"orders:0 is being drained"):
        second.__enter__()


def test_lanes_do_not_disturb_each_other(url: str) -> None:
    with (
        lease(at(url), "orders", "0", SHORT),
        lease(at(url), "orders", "1", SHORT),
        lease(at(url), "flights", "0", SHORT),
    ):
        pass


def test_a_lease_that_is_given_back_can_be_had_at_once(url: str) -> None:
    long = LeasePolicy(lasts=timedelta(hours=1))
    for _ in range(3):
        with lease(at(url), "orders", "0", long):
            pass


def test_a_dead_holders_lease_is_waited_for(url: str) -> None:
    """It was killed: nobody renews its lease, and it runs out by the server's own time."""
    with redis.Redis.from_url(url) as client:
        client.set(KEY, "dead", px=SHORT.lasts)
    with lease(at(url), "orders", "0", SHORT):
        pass


def test_a_living_holder_keeps_its_lease_beyond_its_length(url: str) -> None:
    with redis.Redis.from_url(url) as client, lease(at(url), "orders", "0", SHORT):
        seen = []

        def outlived() -> bool:
            seen.append(client.exists(KEY))
            return len(seen) > 60

        wait_until(outlived, timedelta(seconds=10))
    assert set(seen) == {1}


def test_a_living_holder_has_its_lease_again_that_was_lost_with_an_emptied_server(url: str) -> None:
    with redis.Redis.from_url(url) as client, lease(at(url), "orders", "0", SHORT):
        client.delete(KEY)
        assert wait_until(lambda: bool(client.exists(KEY)), timedelta(seconds=10))


def test_a_lease_that_was_lost_is_not_given_back_in_anothers_name(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        with lease(at(url), "orders", "0", LeasePolicy(lasts=timedelta(hours=1))):
            client.set(KEY, "another")
        assert client.getdel(KEY) == b"another"


def test_without_redis_the_lane_is_drained_without_a_lease(caplog: pytest.LogCaptureFixture) -> None:
    with lease(at("redis://127.0.0.1:9/0"), "orders", "0", SHORT):
        pass
    assert "drained without a lease, because Redis is away" in caplog.text


def test_a_server_that_dies_meanwhile_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with valkey(tmp_path) as url:
        held = lease(at(url), "orders", "0", SHORT)
        held.__enter__()
    held.__exit__(None, None, None)
    assert "could not be given back" in caplog.text
