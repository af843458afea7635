"""What a hostile reading of lanes, shapes and the index found: records loaded twice, lanes stuck, wrong ways out."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from pydantic import SecretStr

from datastream import pipeline
from datastream.buffers import Delivery, shard_of
from datastream.catalog import Stream
from datastream.connections import ApiConfig, BufferConfig
from datastream.errors import DatastreamError
from datastream.intake.api import api_intake
from datastream.lake import layout
from datastream.lake.log import Log
from datastream.lake.verify import verify
from datastream.lane import Lane, open_lane
from datastream.quality import load_suite
from datastream.reshape import changes, reshape
from datastream.resilience import MemoryStates
from datastream.shape import ShapeChanged
from tasks.opening import Opening
from tests.conftest import World, order, orders, stream_of
from tests.fake_api import LOCAL
from tests.posts import posted_stream
from tests.story.door import WEEK, Door

FOUR = ["0", "1", "2", "3"]


@pytest.fixture
def door(suites: Path, tmp_path: Path) -> Door:
    return Door.opened(suites, tmp_path / "lake")


def resharded(door: Door, shards: int, lanes: list[str] = FOUR) -> None:
    door.stream = posted_stream(shards=shards)
    reshape(door.stream, door.store, lambda stream, name: door.lane(name, stream), lanes, door.clock, lambda _: None)


def of_lane(lane: str, shards: int, start: int = 1) -> int:
    """Return a number whose delivery belongs to a lane."""
    return next(n for n in range(start, 10_000) if shard_of(f"m-{n}", shards) == lane)


@contextmanager
def worker(world: World, stream: Stream | None = None) -> Iterator[Lane]:
    stream = stream or world.stream
    suite = load_suite(world.suites, "orders")
    with (
        api_intake(stream, ApiConfig(base_url=world.api.url, private_networks=LOCAL), world.clock) as intake,
        open_lane(stream, suite, world.store, intake, run="w", clock=world.clock) as lane,
    ):
        yield lane


def changed_over(world: World, stream: Stream) -> None:
    @contextmanager
    def opened(as_: Stream, _: str) -> Iterator[Lane]:
        with worker(world, as_) as lane:
            yield lane

    world.stream = stream
    reshape(stream, world.store, opened, ["0"], world.clock, lambda _: None)


def test_a_stream_whose_first_lane_is_empty_can_be_reshaped(door: Door) -> None:
    door.stream = posted_stream(shards=4)
    door.post(of_lane("3", 4))
    door.run(*FOUR)
    resharded(door, 2)
    door.run(*FOUR)


def test_a_first_decision_that_was_not_committed_can_be_reshaped(world: World) -> None:
    world.api.records = orders(30)
    with worker(world) as lane:
        batch = pipeline.transform(lane, next(pipeline.claims(lane)))
        pipeline.decide(lane, batch, pipeline.check(lane, batch))
    changed_over(world, stream_of(partition_by={"field": "at", "grain": "month"}))
    world.run()
    assert verify(world.store, "orders").loaded == 30


def test_a_change_that_was_killed_between_plan_and_commit_is_repeated(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    door.post(1)
    door.run()
    with monkeypatch.context() as patched:
        patched.setattr(Log, "commit", killed)
        with pytest.raises(Killed):
            resharded(door, 4)
    resharded(door, 4)
    assert changes(door.stream, door.store) == {}


def test_the_lanes_are_known_while_the_buffer_is_away(door: Door) -> None:
    """What is decided needs no buffer: the next run has to come as far as its plan."""
    away = BufferConfig(url=SecretStr("redis://127.0.0.1:1/0"))
    assert Opening(door.stream, None, door.store, away, None, MemoryStates(), "r").lanes() == ["0"]


def test_what_a_sleeper_of_the_old_file_decides_after_the_change_stops_nothing(world: World) -> None:
    """It decides by the old file, and dies before its commit."""
    world.api.records = orders(30)
    world.run()
    with worker(world) as sleeper:
        changed_over(world, stream_of(partition_by={"field": "at", "grain": "month"}))
        world.api.records = orders(60)
        with suppress(ShapeChanged):
            for claim in pipeline.claims(sleeper):
                batch = pipeline.transform(sleeper, claim)
                if pipeline.decide(sleeper, batch, pipeline.check(sleeper, batch)):
                    break
    changed_over(world, world.stream)
    world.run()
    assert verify(world.store, "orders").loaded == 60


def test_a_repeat_that_came_by_the_new_file_before_the_change_is_one(door: Door) -> None:
    """The gateway knows the new file within 30 s; the command is run later."""
    numbers = range(1, 41)
    door.post(*numbers)
    door.run()
    door.stream = posted_stream(shards=4)
    door.buffer.flush()
    door.post(*numbers)
    resharded(door, 4)
    assert door.ids() == list(numbers)


def test_a_file_that_was_put_back_loads_no_repeat(door: Door) -> None:
    """As the message of a refused run says."""
    door.post(1000)
    door.run()
    door.stream = posted_stream(shards=4)
    door.post(*range(1, 41))
    door.stream = posted_stream()
    door.run(*FOUR)
    door.buffer.flush()
    door.post(*range(1, 41))
    door.run(*FOUR)
    assert door.ids() == [*range(1, 41), 1000]


def test_a_repeat_in_another_lane_is_found_by_a_run_that_outlives_a_flush(door: Door) -> None:
    door.post(1000)
    door.run()
    resharded(door, 4)
    n, m = of_lane("3", 4), of_lane("0", 4, 2000)
    door.buffer.restart()
    door.post(m)
    with door.lane("0") as slow:
        pipeline.drain(slow)
        door.post(n)
        door.run("3")
        door.buffer.flush()
        door.buffer.append("orders:0", [Delivery(f"m-{n}", json.dumps(order(n)).encode())], WEEK)  # by an older gateway
        pipeline.drain(slow)
    assert door.ids() == [n, 1000, m]


def test_a_sleepers_claim_and_a_repeat_in_another_lane_are_one(door: Door) -> None:
    """The sleeper took it before the number of lanes changed and the buffer was emptied."""
    door.stream = posted_stream(shards=4)
    door.post(of_lane("0", 4, 2000))
    door.run(*FOUR)
    n = of_lane("3", 4)
    door.post(n)
    with door.lane("3") as sleeper:
        claim = next(pipeline.claims(sleeper))
        door.buffer.flush()
        resharded(door, 1)
        door.post(n)
        door.run(*FOUR)
        batch = pipeline.transform(sleeper, claim)
        with suppress(ShapeChanged):
            plan = pipeline.decide(sleeper, batch, pipeline.check(sleeper, batch))
            if plan is not None:
                pipeline.complete(sleeper, plan)
    assert door.ids().count(n) == 1


def test_an_index_of_another_past_is_never_believed(world: World) -> None:
    """An older copy of the log was restored, and the log has grown again to where the index was kept."""
    world.stream = stream_of(
        batch={"size": 1, "per_commit": 1},
        source={"cursor": {"field": "at", "param": "since", "initial": "2026-01-01T00:00:00Z", "lag": "P30D"}},
    )
    world.api.page_size = 1
    world.api.records = orders(16)
    world.run()
    index = {key: world.store.read(key) for key in world.store.keys("_index/")}
    assert index
    for folder in ("_log/", "orders/", "_quarantine/"):
        for key in list(world.store.keys(folder)):
            world.store.delete(key)
    world.api.records = [order(n, at=f"2026-03-01T00:{n:02}:00Z") for n in range(1, 17)]
    world.run()
    world.run()
    assert verify(world.store, "orders").problems == []
    assert verify(world.store, "orders").loaded == 16


def test_the_time_zero_of_other_languages_stops_no_lane(world: World) -> None:
    cursor = {"cursor": {"field": "id", "param": "x", "initial": 0}}
    world.stream = stream_of(source=cursor, partition_by={"field": "at", "late": "quarantine"})
    world.api.records = [order(1, at="0001-01-01T00:00:00Z")]
    world.run()
    world.api.records.append(order(2))
    world.run()
    assert verify(world.store, "orders").loaded == 2


def test_another_field_of_the_partitions_makes_no_row_late(world: World) -> None:
    cursor = {"cursor": {"field": "id", "param": "x", "initial": 0}}
    by = {"late": "quarantine", "grain": "day"}
    world.stream = stream_of(
        source=cursor, transform="tests.story.test_hostile_reading:two_times", partition_by={"field": "at", **by}
    )
    world.api.records = [order(1, born="2020-01-01T00:00:00Z")]
    world.run()
    changed_over(
        world, stream_of(source=cursor, transform=world.stream.transform, partition_by={"field": "born", **by})
    )
    world.api.records.append(order(2, born="2020-01-02T00:00:00Z"))
    [commit] = world.run()
    assert commit.header.set_aside == {}


def two_times(table):
    import pyarrow as pa
    import pyarrow.compute as pc

    for name in ("at", "born"):
        at = pc.strptime(table[name], format="%Y-%m-%dT%H:%M:%SZ", unit="us", error_is_null=True)
        table = table.set_column(table.schema.get_field_index(name), name, at.cast(pa.timestamp("us", "UTC")))
    return table


def from_millis(table):
    import pyarrow as pa

    return table.set_column(table.schema.get_field_index("at"), "at", table["at"].cast(pa.timestamp("ms", "UTC")))


@pytest.mark.parametrize("millis", [10**15, -(10**14), 2**62])
def test_a_time_that_python_does_not_know_stops_no_lane(door: Door, millis: int) -> None:
    door.stream = posted_stream(transform="tests.story.test_hostile_reading:from_millis")
    door.post(1, at=1_760_000_000_000)
    door.post(2, at=millis)
    door.run()
    found = verify(door.store, "orders")
    assert (found.read, found.problems) == (2, [])


def test_a_commit_that_is_missing_is_not_made_a_second_time(world: World) -> None:
    world.stream = stream_of(batch={"size": 10, "per_commit": 1}, partition_by=None)
    world.api.page_size = 10
    world.api.records = orders(100)
    world.run()
    world.store.delete(layout.manifest("orders", "0", 5))
    world.api.records += orders(5, start=101)
    with suppress(DatastreamError):
        world.run()
    assert world.store.read(layout.manifest("orders", "0", 5)) is None
