"""A stream of several lanes: workers drain them side by side, and a dead worker's lane goes to any other."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
import redis
from pydantic import SecretStr

from datastream import pipeline
from datastream.buffers import shard_of
from datastream.buffers.lease import LaneBusy, LeasePolicy, lease
from datastream.buffers.redis import open_buffer
from datastream.clock import SystemClock
from datastream.connections import BufferConfig
from datastream.lake import reader
from datastream.lake.dataset import schema_of
from datastream.lake.verify import verify
from datastream.lane import Lane
from datastream.lanes import begun_at, free_lanes, lanes_of
from tests.posts import posted_stream
from tests.story.door import Door

SHORT = LeasePolicy(lasts=timedelta(milliseconds=300), poll=timedelta(milliseconds=20))
FOUR = ["0", "1", "2", "3"]


@pytest.fixture
def leases(valkey_url: str) -> Iterator[BufferConfig]:
    yield BufferConfig(url=SecretStr(valkey_url))
    with redis.Redis.from_url(valkey_url) as client:
        assert client.keys("datastream:lease:*") == [], "a lease was left"


@pytest.fixture
def door(suites: Path, tmp_path: Path) -> Door:
    opened = Door.opened(suites, tmp_path / "lake")
    opened.stream = posted_stream(shards=4)
    return opened


def free(door: Door, leases: BufferConfig, chance: float = 0.0) -> Iterator[Lane]:
    def take(name: str, patience: timedelta):
        return door.lane(name, buffer=leases, patience=patience)

    return free_lanes(begun_at(FOUR, chance), take, SHORT, SystemClock())


@contextmanager
def held(leases: BufferConfig, *lanes: str) -> Iterator[None]:
    """Hold lanes as a worker does that is alive."""
    if not lanes:
        yield
        return
    with lease(leases, "orders", lanes[0], SHORT), held(leases, *lanes[1:]):
        yield


def test_a_delivery_and_its_repeats_share_a_lane(door: Door) -> None:
    assert door.post(*range(1, 101)) == [True] * 100
    assert door.post(*range(1, 101)) == [False] * 100
    assert all(door.buffer.depth(f"orders:{lane}") >= 10 for lane in FOUR)


def test_several_workers_drain_all_lanes_once(door: Door, leases: BufferConfig) -> None:
    door.post(*range(1, 1001))

    def work(number: int) -> None:
        for lane in free(door, leases, number / 3):
            pipeline.drain(lane)

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(work, range(3)))
    assert door.ids() == list(range(1, 1001))
    assert (reader.lanes(door.store, "orders"), verify(door.store, "orders").problems) == (FOUR, [])


def test_a_living_workers_lane_is_left_to_it(door: Door, leases: BufferConfig) -> None:
    with held(leases, "1", "2"):
        assert [lane.name for lane in free(door, leases)] == ["0", "3"]


def test_where_all_lanes_are_held_there_is_nothing_to_do(door: Door, leases: BufferConfig) -> None:
    with held(leases, *FOUR), pytest.raises(LaneBusy):
        next(free(door, leases))


def test_a_dead_workers_lane_is_taken_when_its_lease_has_run_out(door: Door, leases: BufferConfig) -> None:
    with redis.Redis.from_url(leases.url.get_secret_value()) as client:
        client.set("datastream:lease:orders:2", "of a worker that was killed", px=SHORT.lasts)
        assert [lane.name for lane in free(door, leases)] == ["0", "1", "3", "2"]


def test_a_lane_that_the_file_does_not_name_is_drained_as_long_as_something_waits(door: Door, valkey_url: str) -> None:
    from datastream.buffers import Delivery

    with redis.Redis.from_url(valkey_url) as client, open_buffer(BufferConfig(url=SecretStr(valkey_url))) as buffer:
        buffer.append("orders:9", [Delivery("late", b"{}")], timedelta(days=1))
        assert lanes_of(posted_stream(shards=2), door.store, buffer) == ["0", "1", "9"]
        client.flushall()
    assert lanes_of(posted_stream(shards=2), door.store, buffer=None) == ["0", "1"]


def test_a_lane_that_was_committed_to_is_drained_for_ever(door: Door) -> None:
    door.post(*range(1, 101))
    door.run(*FOUR)
    assert lanes_of(posted_stream(), door.store, None) == FOUR


def test_lanes_that_learn_side_by_side_agree_on_a_fields_type(door: Door) -> None:
    """Both see a new field first, one as a number and one as text: the second reads its claim again."""
    by_lane: dict[str, list[int]] = {lane: [] for lane in FOUR}
    for number in range(1, 41):
        by_lane[shard_of(f"m-{number}", 4)].append(number)
    door.post(*by_lane["0"], gate=4)
    door.post(*by_lane["1"], gate="B4")
    with door.lane("0") as one, door.lane("1") as other:
        claims = [(lane, next(pipeline.claims(lane))) for lane in (one, other)]
        batches = [(lane, pipeline.transform(lane, claim)) for lane, claim in claims]
        plans = [pipeline.decide(lane, batch, pipeline.check(lane, batch)) for lane, batch in batches]
        assert plans[0] is not None
        assert plans[1] is None
        pipeline.complete(one, plans[0])
        pipeline.drain(other)
    assert door.ids() == by_lane["0"]
    assert schema_of(door.store, "orders").field("gate").type == pa.int64()
    found = verify(door.store, "orders")
    assert (found.quarantined, found.problems) == (len(by_lane["1"]), [])


def test_runs_begin_at_different_lanes() -> None:
    assert begun_at(FOUR, 0.5) == ["2", "3", "0", "1"]
