"""What there is to do, as one number; and what is refused before a worker is begun."""

import json
import socket
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import urllib3
from pydantic import SecretStr

from datastream.buffers import Delivery, lane_of
from datastream.buffers.redis import open_buffer
from datastream.connections import BufferConfig
from deployments.keeper.server import Server as AskedLightly
from deployments.overview import work_of
from deployments.stack.ports import reserved
from tests.commands import DATASTREAM
from tests.servers import answering
from tests.workers.conftest import Server, Shop

NOW = datetime.now(UTC)
POSTED = """
name: %s
source: {kind: webhook, block: webhook-source/x}
key: [id]
suite: orders
batch: {size: 10, interval: %s}
"""


def backlog(shop: Shop, pool: str, code: int = 0, **env: str) -> dict[str, Any]:
    done = shop.command("backlog", "--pool", pool, "--json", **env)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_runs_that_are_due_wait_and_a_pause_or_a_limit_keeps_them_back(shop: Shop, server: Server) -> None:
    pool = server.pool("idle")
    for name in ("one", "two"):
        server.schedule(name, pool)
    found = backlog(shop, pool)
    assert (found["backlog"], found["waiting"], found["under_way"], found["due_lanes"]) == (2, 2, 0, 0)
    assert found["oldest_seconds"] >= 3600
    server.change(f"/work_pools/{pool}/queues/default", concurrency_limit=1)
    assert backlog(shop, pool)["waiting"] == 1
    server.change(f"/work_pools/{pool}", is_paused=True)
    assert backlog(shop, pool)["waiting"] == 0


def test_a_queue_that_is_paused_neither_has_runs_that_wait_nor_the_oldest_of_them(shop: Shop, server: Server) -> None:
    pool = server.pool("partly")
    server.ask(f"/work_pools/{pool}/queues", name="held", is_paused=True)
    server.schedule("held", pool, work_queue_name="held")
    found = backlog(shop, pool)
    assert (found["backlog"], found["waiting"], found["oldest_seconds"]) == (0, 0, None)
    server.schedule("open", pool)
    server.change(f"/work_pools/{pool}", concurrency_limit=0)
    assert backlog(shop, pool)["waiting"] == 0


def test_the_overview_counts_runs_in_the_same_way(shop: Shop, server: Server) -> None:
    pool = server.pool("seen")
    for name in ("one", "two", "three"):
        server.schedule(name, pool)
    server.change(f"/work_pools/{pool}/queues/default", concurrency_limit=2)
    with closing(AskedLightly(server.url)) as asked:
        assert str(work_of(asked.post, pool, NOW)) == "0 workers; 0 runs under way, 2 due"
    assert backlog(shop, pool)["waiting"] == 2


def test_a_lane_that_no_deployment_of_this_pool_loads_is_not_due(shop: Shop, server: Server, redis_url: str) -> None:
    pool = server.pool("loads")
    full(shop, redis_url, "loaded", "forgotten", "resting", "elsewhere")
    server.loads(pool, "loaded")
    server.loads(pool, "resting", paused=True)
    server.loads(server.pool("other"), "elsewhere")
    assert backlog(shop, pool, DATASTREAM_REDIS_URL=redis_url)["due_lanes"] == 1


def full(shop: Shop, redis_url: str, *names: str) -> None:
    """Have streams with a full batch each."""
    with open_buffer(BufferConfig(url=SecretStr(redis_url))) as buffer:
        for name in names:
            (shop.folder / "streams" / f"{name}.yaml").write_text(POSTED % (name, "PT1H"))
            buffer.append(lane_of(name), [Delivery(str(at), b"{}") for at in range(10)], timedelta(hours=1))


def test_a_lane_is_due_with_a_full_batch_or_a_delivery_past_its_interval(
    shop: Shop, server: Server, redis_url: str
) -> None:
    for name, interval, count in (
        ("full", "PT1H", 10),
        ("fresh", "PT1H", 9),
        ("old", "PT0.001S", 1),
        ("empty", "PT1H", 0),
    ):
        (shop.folder / "streams" / f"{name}.yaml").write_text(POSTED % (name, interval))
        with open_buffer(BufferConfig(url=SecretStr(redis_url))) as buffer:
            buffer.append(lane_of(name), [Delivery(str(at), b"{}") for at in range(count)], timedelta(hours=1))
    pool = server.pool("lanes")
    for name in ("full", "fresh", "old", "empty"):
        server.loads(pool, name)
    found = backlog(shop, pool, DATASTREAM_REDIS_URL=redis_url)
    assert (found["due_lanes"], found["backlog"], found["waiting"]) == (2, 2, 0)
    assert found["oldest_seconds"] > 0


def test_without_redis_the_lanes_and_so_the_number_are_not_known_and_that_is_said(shop: Shop, server: Server) -> None:
    (shop.folder / "streams" / "posted.yaml").write_text(POSTED % ("posted", "PT1H"))
    server.loads(server.pool("cut"), "posted")
    found = backlog(shop, "cut", 1, DATASTREAM_REDIS_URL="redis://127.0.0.1:9/0")
    assert (found["backlog"], found["due_lanes"], found["waiting"]) == (None, None, 0)
    assert "is it up?" in found["problem"]


def test_a_stream_that_cannot_be_read_is_told_and_the_number_is_still_known(
    shop: Shop, server: Server, redis_url: str
) -> None:
    (shop.folder / "streams" / "torn.yaml").write_text("name: [")
    found = backlog(shop, server.pool("torn"), 1, DATASTREAM_REDIS_URL=redis_url)
    assert found["backlog"] == 0
    assert "torn.yaml" in found["problem"]


def test_a_pool_that_there_is_not_is_told(shop: Shop) -> None:
    assert "no work pool 'nowhere'" in backlog(shop, "nowhere", 1)["problem"]


WORDS = {
    "an unknown pool": (("--pool", "nowhere"), 1, "prefect work-pool create nowhere --type process"),
    "a pool of another type": (("--pool", "containers"), 1, "is of type 'docker'"),
    "more at least than at most": (("--min", "4", "--max", "3"), 1, "no less than it as --max"),
    "more than a machine holds": (("--max", "100000"), 1, "200 at most"),
    "a pool without a name": (("--pool", ""), 1, "no work pool ''"),
    "no worker at all": (("--min", "0"), 1, "1 or more as --min"),
    "no run at once": (("--limit", "0"), 1, "1 or more as --limit"),
    "no number": (("--min", "many"), 2, "not a valid integer"),
    "no port": (("--metrics", "99999"), 2, "is no port"),
}


@pytest.mark.parametrize(("words", "code", "said"), WORDS.values(), ids=WORDS.keys())
def test_what_cannot_be_is_refused_before_a_worker_begins(
    shop: Shop, server: Server, words: tuple[str, ...], code: int, said: str
) -> None:
    server.pool("containers", "docker")
    done = shop.command("workers", *words)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)
    assert said in done.stderr
    assert "begins" not in done.stdout


def test_the_backlog_is_served_anew_each_time_until_it_is_asked_to_end(shop: Shop, server: Server) -> None:
    pool = server.pool("served")
    with reserved(9095) as port:
        words = (sys.executable, "-m", DATASTREAM, "backlog", "--pool", pool, "--serve", str(port))
        with subprocess.Popen(words, env=shop.env, stdout=subprocess.PIPE, text=True) as process:
            said = process.stdout.readline()
            assert f"http://127.0.0.1:{port}/metrics" in said
            assert served(port) == 0
            server.schedule("one", pool)
            assert served(port) == 1
            process.terminate()
            assert process.wait() == 0


def served(port: int) -> float:
    text = urllib3.request("GET", f"http://127.0.0.1:{port}/metrics").data.decode()
    [line] = [line for line in text.splitlines() if line.startswith("datastream_backlog{")]
    return float(line.rpartition(" ")[2])


def test_a_port_that_is_taken_is_told(shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = shop.command("workers", "--pool", "quick", "--metrics", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "Stop what listens there, or name another port" in done.stderr


@pytest.mark.parametrize(
    ("status", "said", "told"),
    [
        (200, b'"2.20.1"', "Run the same version on both sides"),
        (401, b"{}", "Set PREFECT_API_AUTH_STRING"),
        (200, b"<html>", "is no Prefect server"),
    ],
)
def test_a_server_of_another_version_or_kind_or_that_wants_a_password_is_told(
    shop: Shop, status: int, said: bytes, told: str
) -> None:
    with answering(status, said) as url:
        done = shop.command("workers", PREFECT_API_URL=url)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert told in done.stderr


def test_the_backlog_of_what_only_looks_like_a_server_is_told(shop: Shop) -> None:
    import prefect

    with answering(200, f'"{prefect.__version__}"'.encode()) as url:
        done = shop.command("backlog", PREFECT_API_URL=url)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "its answers are of another kind" in done.stdout + done.stderr


def test_without_a_server_none_begins_and_that_is_told(shop: Shop) -> None:
    done = shop.command("workers", PREFECT_API_URL="http://127.0.0.1:9/api")
    assert done.returncode == 1
    assert "does not answer" in done.stderr
