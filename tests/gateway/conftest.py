"""What the tests of the gateway share: a real Valkey as the buffer, and a gateway that serves on a port."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr

from datastream.buffers.redis import RedisBuffer, open_buffer
from datastream.connections import BufferConfig
from tests.gateway.serving import API, Sender, serving, write_stream


@pytest.fixture(scope="session")
def opened(valkey_url: str) -> Iterator[RedisBuffer]:
    with open_buffer(BufferConfig(url=SecretStr(valkey_url))) as buffer:
        yield buffer


@pytest.fixture
def buffer(opened: RedisBuffer, valkey_url: str) -> Iterator[RedisBuffer]:
    """The buffer, empty before and after."""
    with redis.Redis.from_url(valkey_url) as client:
        client.flushall()
        yield opened
        client.flushall()


@pytest.fixture(scope="session")
def served(opened: RedisBuffer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sender]:
    """Two streams: one that is posted to, and one that is read from an API."""
    streams = tmp_path_factory.mktemp("gateway") / "streams"
    write_stream(streams)
    write_stream(streams, "flights", API)
    with serving(opened, streams) as sender:
        yield sender


@pytest.fixture
def gateway(served: Sender, buffer: RedisBuffer) -> Sender:  # noqa: ARG001 - it begins and ends with an empty buffer
    return served


@pytest.fixture
def streams(tmp_path: Path) -> Path:
    """A folder of stream files of the test's own."""
    write_stream(tmp_path / "streams")
    return tmp_path / "streams"
