"""Key, partitions and lanes of a stream that has data change by a command, which commits first what waits."""

from pathlib import Path

import pytest

from datastream import pipeline
from datastream.buffers import Delivery
from datastream.catalog import Stream
from datastream.connections import ApiConfig
from datastream.intake.api import api_intake
from datastream.lake.manifest import Manifest
from datastream.lake.verify import verify
from datastream.lane import open_lane
from datastream.quality import load_suite
from datastream.records import Accounts
from datastream.reshape import changes, reshape
from datastream.shape import ShapeChanged
from tests.conftest import World, order, orders, stream_of
from tests.fake_api import LOCAL
from tests.posts import posted_stream
from tests.story.door import WEEK, Door

FOUR = ["0", "1", "2", "3"]


def changed_over(world: World, **to: object) -> list[Manifest]:
    """Edit the stream's file, and run the command."""
    from contextlib import contextmanager

    world.stream, made = stream_of(**to), []

    @contextmanager
    def opened(stream: Stream, name: str):
        suite = load_suite(world.suites, "orders")
        with (
            api_intake(stream, ApiConfig(base_url=world.api.url, private_networks=LOCAL), world.clock) as intake,
            open_lane(stream, suite, world.store, intake, run="reshape", lane=name, clock=world.clock) as lane,
        ):
            yield lane

    reshape(world.stream, world.store, opened, ["0"], world.clock, made.append)
    return made


@pytest.fixture
def door(suites: Path, tmp_path: Path) -> Door:
    return Door.opened(suites, tmp_path / "lake")


def resharded(door: Door, shards: int, lanes: list[str]) -> None:
    door.stream = posted_stream(shards=shards)
    reshape(door.stream, door.store, lambda stream, name: door.lane(name, stream), lanes, door.clock, lambda _: None)


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ({"key": ["id", "amount"]}, 'key was \\["id"\\] and is \\["id","amount"\\]'),
        ({"partition_by": None}, 'partition_by was "at_day" and is none'),
        ({"partition_by": {"field": "at", "grain": "month"}}, 'partition_by was "at_day" and is "at_month"'),
    ],
)
def test_a_run_refuses_a_changed_file_and_names_the_command(world: World, to: dict, said: str) -> None:
    world.api.records = orders(50)
    world.run()
    world.stream = stream_of(**to)
    with pytest.raises(ShapeChanged, match=f"{said}.*datastream reshape orders"):
        world.run()


def test_a_new_key_loads_no_record_again(world: World) -> None:
    """The lag window asks again for what is there under ids that were made of the old key."""
    world.api.records = [order(n, at="2026-01-05T00:00:00Z") for n in range(1, 51)]
    world.run()
    changed_over(world, key=["id", "amount"])
    world.api.records += [order(n, at="2026-01-05T00:30:00Z") for n in range(51, 61)]
    [commit] = world.run()
    assert commit.header.accounts == Accounts(read=60, loaded=10, duplicates=50)
    assert world.rows("select count(*), count(distinct id) from orders") == [(60, 60)]


def test_what_waits_is_committed_by_the_old_definition(world: World) -> None:
    world.api.records = orders(30)
    world.run()
    world.api.records = orders(90)
    made = changed_over(world, partition_by={"field": "at", "grain": "month"})
    assert [commit.header.accounts.loaded for commit in made] == [60, 0]
    world.api.records = orders(100)
    world.run()
    folders = {key.split("/")[2].partition("=")[0] for key in world.store.keys("orders/data/")}
    assert folders == {"at_day", "at_month"}
    assert (world.rows("select count(*) from orders"), verify(world.store, "orders").problems) == ([(100,)], [])


def test_a_stream_that_is_as_its_file_says_has_nothing_to_change(world: World) -> None:
    world.api.records = orders(30)
    assert changes(world.stream, world.store) == {}
    world.run()
    assert changes(world.stream, world.store) == {}
    assert changes(stream_of(key=["at"]), world.store) == {"key": (["id"], ["at"])}


def test_more_lanes_take_what_comes_and_a_repeat_stays_one(door: Door) -> None:
    door.post(*range(1, 41))
    door.run()
    door.post(*range(41, 61))
    resharded(door, 4, FOUR)
    assert door.post(*range(1, 61)) == [False] * 60
    door.post(*range(61, 101))
    door.run(*FOUR)
    assert (door.ids(), verify(door.store, "orders").problems) == (list(range(1, 101)), [])


def test_fewer_lanes_strand_nothing_that_comes_late_to_an_old_one(door: Door) -> None:
    """A gateway may post by the older file for half a minute."""
    door.stream = posted_stream(shards=4)
    door.post(*range(1, 41))
    door.run(*FOUR)
    resharded(door, 1, FOUR)
    door.buffer.append("orders:3", [Delivery("m-99", b'{"id": 99, "at": "2026-01-05T00:00:00Z", "amount": 1}')], WEEK)
    door.run(*FOUR)
    assert door.ids() == [*range(1, 41), 99]


def test_after_a_flush_a_repeat_is_found_in_the_lane_it_was_in(door: Door) -> None:
    door.post(*range(1, 41))
    door.run()
    resharded(door, 4, FOUR)
    door.buffer.flush()
    assert all(door.post(*range(1, 45)))
    made = door.run(*FOUR)
    assert sum((commit.header.accounts for commit in made), Accounts()) == Accounts(read=44, loaded=4, duplicates=40)
    assert door.ids() == list(range(1, 45))


def test_a_worker_of_the_old_file_is_refused_after_the_change(door: Door) -> None:
    door.post(1)
    door.run()
    resharded(door, 4, FOUR)
    door.stream = posted_stream()
    with pytest.raises(ShapeChanged, match="shards was 4 and is 1"):
        door.run("2")


def test_a_worker_that_slept_through_the_change_is_refused_at_its_next_commit(door: Door) -> None:
    """It holds no lease, as when Redis is away, and took its claim before."""
    door.post(1)
    door.run()
    door.post(2)
    with door.lane() as sleeper:
        claim = next(pipeline.claims(sleeper))
        resharded(door, 2, ["0", "1"])
        batch = pipeline.transform(sleeper, claim)
        with pytest.raises(ShapeChanged, match="shards was 2 and is 1"):
            pipeline.decide(sleeper, batch, pipeline.check(sleeper, batch))
    assert (changes(door.stream, door.store), door.ids()) == ({}, [1, 2])


def test_the_change_may_be_stopped_and_repeated(door: Door) -> None:
    """It says so lane after lane, the first one last: until then the old definition counts."""
    door.post(*range(1, 21))
    door.run()
    door.stream = posted_stream(shards=4)

    def stopped(commit: Manifest) -> None:
        if commit.header.lane == "2":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reshape(door.stream, door.store, lambda stream, name: door.lane(name, stream), FOUR, door.clock, stopped)
    assert changes(door.stream, door.store) == {"shards": (1, 4)}
    resharded(door, 4, FOUR)
    door.post(*range(1, 41))
    door.run(*FOUR)
    assert (changes(door.stream, door.store), door.ids()) == ({}, list(range(1, 41)))
