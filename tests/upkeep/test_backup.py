"""A backup of a lake and a buffer that are in use: what is restored verifies, and goes on without loss or doubles."""

import json
import shutil
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr

from datastream import pipeline
from datastream.buffers import Delivery, lane_of
from datastream.buffers.redis import open_buffer
from datastream.catalog import Compact, Retention, WebhookSpec
from datastream.connections import BufferConfig
from datastream.intake.webhook import webhook_intake
from datastream.lake.backup import NotOurCopy, backup
from datastream.lake.dataset import schema_of
from datastream.lake.local import LocalStore
from datastream.lake.s3 import S3Store
from datastream.lake.store import MemoryStore, Store
from datastream.lake.tables import read
from datastream.lake.verify import verify
from datastream.lane import open_lane
from datastream.maintenance import maintain
from datastream.quality import load_suite
from deployments.stack import valkey
from tests.conftest import World, order, orders
from tests.posts import posted_stream
from tests.seaweedfs import fresh_lake
from tests.upkeep.kept import LATER, Kept

KEPT_UP = {"compact": Compact(after=timedelta()), "retention": Retention()}


@pytest.fixture(params=["local", "s3"])
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "s3":
        return S3Store(fresh_lake(request.getfixturevalue("s3_lake"), tmp_path.name))
    return LocalStore(tmp_path / "copy")


def test_a_copy_made_beside_writers_and_maintenance_is_a_lake_that_goes_on(world: World, copy: Store) -> None:
    world.api.records = orders(300)
    world.run()
    written = threading.Event()

    def write() -> None:
        for start in range(301, 801, 100):
            world.api.records += orders(100, start)
            world.run()
            maintain(world.stream.model_copy(update=KEPT_UP), world.store, run="r", clock=world.clock)
        written.set()

    writing = threading.Thread(target=write)
    writing.start()
    while not written.is_set():
        backup(world.store, copy, "orders")
        assert verify(copy, "orders").problems == []
    writing.join()
    assert schema_of(copy, "orders") == schema_of(world.store, "orders")
    restored = World(world.api, copy, world.suites, clock=world.clock)
    world.api.records += orders(100, 801)
    restored.run()
    assert verify(copy, "orders").problems == []
    assert sorted(read(copy, "orders")["id"].to_pylist()) == list(range(1, 901))


def test_a_copy_is_brought_up_to_date_and_forgets(kept: Kept, copy: Store) -> None:
    kept.commit(range(5))
    assert backup(kept.store, copy, "orders").new == 2
    kept.commit(range(5, 10))
    kept.forget(id="3")
    assert backup(kept.store, copy, "orders").new == 4, "two files, a manifest and a rewrite"
    there = Kept(copy)
    assert there.sweep(LATER).files == 1
    assert (read(copy, "orders")["id"].to_pylist(), there.problems) == ([0, 1, 2, 4, 5, 6, 7, 8, 9], [])


def test_the_copy_of_another_lake_is_not_overwritten(kept: Kept) -> None:
    kept.commit(range(5))
    other = Kept(MemoryStore())
    other.commit(range(7))
    with pytest.raises(NotOurCopy, match="Name an empty place"):
        backup(kept.store, other.store, "orders")


def test_a_plain_copy_of_a_lake_at_rest_is_one_too(world: World, tmp_path: Path) -> None:
    world.api.records = orders(100)
    world.run()
    shutil.copytree(tmp_path / "lake", tmp_path / "copy")
    copied = LocalStore(tmp_path / "copy")
    world.api.records += orders(100, 101)
    World(world.api, copied, world.suites, clock=world.clock).run()
    assert (verify(copied, "orders").problems, read(copied, "orders").num_rows) == ([], 200)


def post(buffer: BufferConfig, first: int, last: int) -> None:
    with open_buffer(buffer) as opened:
        posts = [Delivery(f"m-{n}", json.dumps(order(n)).encode()) for n in range(first, last + 1)]
        opened.append(lane_of("orders"), posts, timedelta(days=7))


def drain(buffer: BufferConfig, store: Store, suites: Path) -> None:
    stream = posted_stream()
    assert isinstance(stream.source, WebhookSpec)
    suite = load_suite(suites, "orders")
    with (
        webhook_intake(stream, stream.source, buffer) as intake,
        open_lane(stream, suite, store, intake, run="r") as lane,
    ):
        pipeline.drain(lane)


def test_buffer_first_and_then_the_lake_loses_and_doubles_nothing(suites: Path, tmp_path: Path) -> None:
    lake, copied = LocalStore(tmp_path / "lake"), LocalStore(tmp_path / "copy")
    (tmp_path / "restored").mkdir()
    with valkey(tmp_path / "valkey") as url, redis.Redis.from_url(url) as client:
        buffer = BufferConfig(url=SecretStr(url))
        post(buffer, 1, 200)
        drain(buffer, lake, suites)
        post(buffer, 201, 300)
        client.config_set("auto-aof-rewrite-percentage", 0)
        assert client.info("persistence")["aof_rewrite_in_progress"] == 0
        shutil.copytree(tmp_path / "valkey" / "appendonlydir", tmp_path / "restored" / "appendonlydir")
        drain(buffer, lake, suites)  # what the buffer's copy holds is committed before the lake is copied
        backup(lake, copied, "orders")
        post(buffer, 301, 350)
        drain(buffer, lake, suites)
    with valkey(tmp_path / "restored") as url:
        drain(BufferConfig(url=SecretStr(url)), copied, suites)
    found = verify(copied, "orders")
    assert (found.problems, found.loaded, found.duplicates) == ([], 300, 100)
    assert sorted(read(copied, "orders")["id"].to_pylist()) == list(range(1, 301))
