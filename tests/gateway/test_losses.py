"""What a flush or a restore took before it was committed is estimated, and alarmed as an estimate (R12)."""

import logging
import shutil
import signal
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr

from datastream.buffers import Buffer, Delivery
from datastream.buffers.memory import MemoryBuffer
from datastream.buffers.redis import open_buffer
from datastream.connections import BufferConfig
from datastream.gateway.losses import Losses
from deployments.stack.process import stop
from deployments.stack.waiting import wait_until
from tests.gateway.faults import a_valkey
from tests.gateway.serving import SOON, serving

WEEK = timedelta(days=7)
LANE = "departures:0"


def post(losses: Losses, *names: str) -> None:
    losses.append(LANE, [Delivery(name, b"{}") for name in names], WEEK)


def looked(losses: Losses, buffer: Buffer) -> int:
    losses.look([LANE], buffer.reach)
    return losses.estimated.get(LANE, 0)


def test_a_flush_takes_what_waited_and_what_came_since_the_last_look(caplog: pytest.LogCaptureFixture) -> None:
    losses = Losses((buffer := MemoryBuffer()).append)
    post(losses, "a", "b")
    assert looked(losses, buffer) == 0
    post(losses, "c", "c")
    buffer.flush()
    with caplog.at_level(logging.ERROR):
        assert looked(losses, buffer) == 3
    assert "about 3 accepted deliveries are lost" in caplog.text
    assert looked(losses, buffer) == 3


def test_what_was_committed_is_not_lost() -> None:
    losses = Losses((buffer := MemoryBuffer()).append)
    post(losses, "a", "b", "c")
    looked(losses, buffer)
    reach = buffer.reach(LANE)
    buffer.trim(LANE, reach.epoch, reach.last)
    looked(losses, buffer)
    post(losses, "d")
    buffer.flush()
    assert looked(losses, buffer) == 1


def test_a_restart_that_kept_everything_lost_nothing() -> None:
    losses = Losses((buffer := MemoryBuffer()).append)
    post(losses, "a", "b")
    looked(losses, buffer)
    reach = buffer.reach(LANE)
    buffer.trim(LANE, reach.epoch, reach.last)
    buffer.restart()
    assert looked(losses, buffer) == 0


def test_an_older_copy_of_a_real_server_lacks_what_came_after_it(tmp_path: Path) -> None:
    with a_valkey(tmp_path / "valkey") as server, open_buffer(BufferConfig(url=SecretStr(server.url))) as buffer:
        losses = Losses(buffer.append)
        post(losses, "a", "b", "c")
        with redis.Redis.from_url(server.url) as client:
            client.execute_command("save")
        shutil.copytree(tmp_path / "valkey", tmp_path / "copy")
        post(losses, "d", "e")
        looked(losses, buffer)
        post(losses, "f")
        server.signal(signal.SIGKILL)
        stop(server.process)
        shutil.rmtree(tmp_path / "valkey")
        shutil.copytree(tmp_path / "copy", tmp_path / "valkey")
        server.start()
        assert looked(losses, buffer) == 3


def test_the_gateway_tells_it_as_a_metric(streams: Path) -> None:
    buffer = MemoryBuffer()
    with serving(buffer, streams) as gateway:

        def told_after_a_flush() -> bool:
            assert gateway.takes_posts()
            buffer.flush()
            return 'datastream_lost_estimate{queue="departures:0"} ' in gateway.get("/metrics").text

        assert wait_until(told_after_a_flush, SOON)
