"""A run is seen for as long as its process lives, and leaves word of how it ended."""

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr

from datastream.buffers.connection import again_at_once, connect
from datastream.buffers.lease import LaneBusy, LeasePolicy, lease
from datastream.buffers.presence import Ending, connected, in_sight, seen
from datastream.connections import BufferConfig
from deployments.stack import valkey
from deployments.stack.waiting import wait_until

AT_ONCE = timedelta()
BLOCKED = 3
"""Seconds in which no line of Python runs."""
_SOON = timedelta(seconds=10)


@pytest.fixture
def buffer(tmp_path: Path) -> Iterator[BufferConfig]:
    with valkey(tmp_path / "valkey") as url:
        yield BufferConfig(url=SecretStr(url))


@pytest.fixture
def client(buffer: BufferConfig) -> Iterator[redis.Redis]:
    with connect(buffer, "onlooker") as found:
        yield found


def work(buffer: BufferConfig) -> None:
    """Hold a lane and be seen, while one call into C holds all of Python up; then go on for ever."""
    with in_sight(buffer, "busy", timedelta(milliseconds=100)), lease(buffer, "orders", "0"):
        ctypes.PyDLL(None).sleep(BLOCKED)
        signal.pause()


@pytest.fixture
def worker(buffer: BufferConfig, client: redis.Redis) -> Iterator[BaseProcess]:
    process = multiprocessing.get_context("spawn").Process(target=work, args=(buffer,))
    process.start()
    assert wait_until(lambda: bool(client.exists("datastream:lease:orders:0")), _SOON)
    yield process
    process.kill()
    process.join()


def test_a_run_is_seen_while_it_works_and_leaves_word_of_its_end(buffer: BufferConfig, client: redis.Redis) -> None:
    with in_sight(buffer, "a-run") as told:
        during = seen(client, ["a-run", "another"], AT_ONCE)
        told.ending = Ending("COMPLETED", "Yielded", "Busy.")
    assert during is not None
    assert {run: sight.connected for run, sight in during.items()} == {"a-run": True}
    after = seen(client, ["a-run"], AT_ONCE)
    assert after is not None
    assert (after["a-run"].connected, after["a-run"].ending.name) == (False, "Yielded")


def test_a_process_that_runs_no_python_is_seen_and_one_that_is_killed_is_not(
    client: redis.Redis, worker: BaseProcess
) -> None:
    def connected() -> bool:
        found = seen(client, ["busy"], AT_ONCE)
        assert found is not None
        return found["busy"].connected

    assert not wait_until(lambda: not connected(), timedelta(seconds=BLOCKED * 0.7)), "it was taken for dead"
    os.kill(worker.pid or 0, signal.SIGKILL)
    assert wait_until(lambda: not connected(), timedelta(seconds=1))


@pytest.mark.usefixtures("worker")
def test_a_living_holders_lease_is_not_taken(buffer: BufferConfig) -> None:
    with pytest.raises(LaneBusy):
        lease(buffer, "orders", "0", LeasePolicy(lasts=timedelta(milliseconds=100))).__enter__()


def test_a_killed_holders_lease_is_free_at_once(buffer: BufferConfig, client: redis.Redis, worker: BaseProcess) -> None:
    """It had up to 15 s to run out."""
    assert wait_until(lambda: client.info("server")["uptime_in_seconds"] >= 1, _SOON)
    os.kill(worker.pid or 0, signal.SIGKILL)
    worker.join()
    assert client.pttl("datastream:lease:orders:0") > 10_000
    policy = LeasePolicy(lasts=timedelta(seconds=1))  # the buffer has run for longer
    with lease(buffer, "orders", "0", policy, patience=timedelta(milliseconds=500)):
        pass


def test_a_connection_that_was_cut_is_there_again_with_the_next_sign_of_life(
    buffer: BufferConfig, client: redis.Redis
) -> None:
    with connect(buffer, "cut") as cut:
        cut.ping()
        [id_] = [found["id"] for found in client.client_list() if found["name"] == "cut"]
        client.client_kill_filter(_id=id_)
        again_at_once(cut.ping)
        assert "cut" in (connected(client, AT_ONCE) or ())


def test_a_run_is_seen_although_an_emptied_buffer_knows_nothing_of_it(
    buffer: BufferConfig, client: redis.Redis
) -> None:
    """It is busy, or was stopped for longer than its word is kept."""
    with in_sight(buffer, "a-run"):
        client.flushall()
        found = seen(client, ["a-run"], AT_ONCE)
    assert found is not None
    assert found["a-run"].connected


@pytest.mark.parametrize("forbidden", ["client|list", "client|setname", "client", "info"])
def test_where_it_may_not_be_asked_who_is_connected_nobody_is_judged(client: redis.Redis, forbidden: str) -> None:
    client.execute_command("ACL", "SETUSER", "narrow", "on", "nopass", "~*", "+@all", f"-{forbidden}")
    port = client.get_connection_kwargs()["port"]
    with connect(BufferConfig(url=SecretStr(f"redis://narrow:any@127.0.0.1:{port}/0")), "narrow") as narrow:
        assert seen(narrow, ["a-run"], AT_ONCE) is None


def test_just_after_a_restart_of_the_buffer_nobody_is_judged(buffer: BufferConfig, client: redis.Redis) -> None:
    """Whoever lives has not connected again yet."""
    with in_sight(buffer, "a-run"):
        assert seen(client, ["a-run"], timedelta(hours=1)) is None


def test_where_a_proxy_hides_who_is_connected_nobody_is_judged(buffer: BufferConfig) -> None:
    with in_sight(buffer, "a-run"), connect(buffer) as nameless:
        assert seen(nameless, ["a-run"], AT_ONCE) is None


def test_without_a_buffer_or_while_it_is_away_a_run_goes_on_unseen() -> None:
    nowhere = BufferConfig(url=SecretStr("redis://127.0.0.1:9/0"))
    for buffer in (None, nowhere):
        with in_sight(buffer, "a-run"):
            pass
