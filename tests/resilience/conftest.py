"""Where the states of breakers may be kept: in memory, in Redis, and with a Redis that is away."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
import redis
from pydantic import SecretStr

from datastream.buffers.breakers import KEY, SharedStates
from datastream.buffers.connection import connect
from datastream.clock import ManualClock
from datastream.connections import BufferConfig
from datastream.resilience import BreakerStates, MemoryStates
from deployments.stack import valkey


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def sharing(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[Callable[[], SharedStates]]:
    """Make states as each worker has them: a client of its own, and the same Redis."""
    url = request.getfixturevalue("redis_url")
    config = BufferConfig(url=SecretStr(url), timeout=timedelta(seconds=5))
    with ExitStack() as clients:
        yield lambda: SharedStates(clients.enter_context(connect(config)), clock)
    with redis.Redis.from_url(url) as client:
        client.delete(KEY)
        assert client.keys("*") == [], "a key was left"


@pytest.fixture(params=["memory", "redis", "redis away"])
def states(request: pytest.FixtureRequest, clock: ManualClock) -> BreakerStates:
    if request.param == "redis":
        return request.getfixturevalue("sharing")()
    if request.param == "memory":
        return MemoryStates()
    return SharedStates(connect(BufferConfig(url=SecretStr("redis://127.0.0.1:9"))), clock)
