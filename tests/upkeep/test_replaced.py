"""A stream whose snapshots take each other's place is kept up: the former ones leave, the one that counts stays."""

import io
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from datastream.catalog import Compact, Retention
from datastream.clock import ManualClock
from datastream.lake import upkeep
from datastream.lake.backup import backup
from datastream.lake.live import live
from datastream.lake.local import LocalStore
from datastream.lake.log import Log
from datastream.lake.sql import query
from datastream.lake.store import MemoryStore
from datastream.lake.tables import read
from datastream.lake.verify import verify
from datastream.maintenance import Done, maintain
from tests.conftest import NOW, World, order, orders, stream_of
from tests.fake_api import FakeApi
from tests.story.snapshots import REPLACED, numbers, passed, place_is_gone, sees, stopped_in_the_middle
from tests.story.test_reshape import changed_over

DAY = timedelta(days=1)
BAD = order(9001, amount=None)


@pytest.fixture(params=["memory", "folder"])
def world(request: pytest.FixtureRequest, api: FakeApi, suites: Path, tmp_path: Path) -> World:
    store = MemoryStore() if request.param == "memory" else LocalStore(tmp_path / "lake")
    return World(api, store, suites, stream_of(**REPLACED), ManualClock(NOW))


def keep_up(world: World, **kept: object) -> Done:
    stream = world.stream.model_copy(update={"retention": Retention(), **kept})
    return maintain(stream, world.store, run="r", clock=world.clock)


def parquet(world: World) -> list[str]:
    return sorted(key for key in world.store.keys("") if key.endswith(".parquet"))


def ids(world: World, key: str) -> list[int]:
    """Return the ids that stand in a file, whether it counts or not."""
    found: list[int] = pq.read_table(io.BytesIO(world.store.read(key) or b""), columns=["id"])["id"].to_pylist()
    return found


def forget(world: World, number: int) -> None:
    upkeep.forget(world.store, "orders", {"id": str(number)}, world.clock.now(), "r")


def test_the_former_snapshot_leaves_after_a_day_and_its_files_a_day_later(world: World) -> None:
    passed(world, [*orders(700), BAD])
    passed(world, [*orders(300, 501), BAD])
    before = parquet(world)
    for hours, expired, there in ((23, None, before), (2, (700, 1), before), (23, None, before)):
        world.clock.advance(timedelta(hours=hours))
        done = keep_up(world)
        assert (done.expired and (done.expired.gone.data, done.expired.gone.quarantined)) == expired
        assert (parquet(world), done.problems) == (there, [])
    world.clock.advance(timedelta(hours=2))
    assert keep_up(world).swept.files > 0
    assert parquet(world) == sorted(held.key for held in live(world.store, "orders").all_files)
    found = verify(world.store, "orders")
    assert (found.problems, found.read, found.loaded, found.quarantined) == ([], 1002, 1000, 2)
    assert sees(world) == numbers(orders(300, 501))


def test_a_snapshot_stays_as_long_as_the_file_says_and_the_one_that_counts_for_ever(world: World) -> None:
    retention = Retention(data=30 * DAY, quarantine=DAY)
    passed(world, [*orders(100), BAD])
    world.clock.advance(365 * DAY)
    assert keep_up(world, retention=retention).expired is None
    passed(world, orders(100, 51))
    world.clock.advance(29 * DAY)
    assert (keep_up(world, retention=retention).expired or live(world.store, "orders")).gone.data == 0
    assert sees(world, "0-000000000001") == numbers(orders(100))
    world.clock.advance(2 * DAY)
    keep_up(world, retention=retention)
    assert sees(world, "0-000000000001") == []
    assert sees(world) == numbers(orders(100, 51))


def test_what_a_pass_that_is_not_whole_has_read_is_left_alone(world: World) -> None:
    passed(world, orders(100))
    stopped_in_the_middle(world)
    world.clock.advance(30 * DAY)
    done = keep_up(world, retention=Retention(log=DAY), compact=Compact(after=timedelta()))
    assert (done.expired, done.problems) == (None, [])
    world.run()
    assert (sees(world), verify(world.store, "orders").problems) == (numbers(orders(1200)), [])


def test_a_pass_that_was_begun_again_leaves_once_it_is_whole(world: World) -> None:
    """What was read of it the first time counts never."""
    stopped_in_the_middle(world)
    world.api.records = orders(700, 101)
    place_is_gone(world)
    world.run()
    assert sum(held.file.rows for held in live(world.store, "orders").others) == 500
    for _ in range(2):
        world.clock.advance(2 * DAY)
        keep_up(world)
    assert sum(file.count("-000000000001-") for file in parquet(world)) == 0
    assert (sees(world), verify(world.store, "orders").problems) == (numbers(orders(700, 101)), [])


def test_the_log_of_former_snapshots_becomes_a_sum(world: World) -> None:
    for first in range(1, 1000, 100):
        passed(world, [*orders(50, first), BAD])
    world.clock.advance(30 * DAY)
    for _ in range(2):
        keep_up(world, retention=Retention(log=DAY))
        world.clock.advance(2 * DAY)
    assert Log(world.store, "orders").sequences() == [10]
    now, found = live(world.store, "orders"), verify(world.store, "orders")
    assert (now.accounts.read, found.problems, found.commits) == (510, [], 10)
    assert sees(world) == numbers(orders(50, 901))
    passed(world, orders(20))
    assert (sees(world), verify(world.store, "orders").problems) == (numbers(orders(20)), [])


def test_a_stream_that_was_emptied_can_be_asked_when_its_files_are_gone(world: World) -> None:
    passed(world, orders(50))
    passed(world, [])
    for _ in range(2):
        world.clock.advance(2 * DAY)
        keep_up(world)
    assert (parquet(world), sees(world)) == ([], [])
    assert query(world.store, "select sum(amount) from orders")[1] == [(None,)]
    assert read(world.store, "orders", columns=["id"]).num_rows == 0


def test_files_that_were_put_together_are_replaced_as_a_whole(world: World) -> None:
    compact = Compact(after=timedelta())
    passed(world, orders(1200))
    keep_up(world, compact=compact)
    stopped_in_the_middle(world)
    keep_up(world, compact=compact)
    assert sees(world) == numbers(orders(1200))
    world.api.records = orders(700)
    world.run()
    assert sees(world) == numbers(orders(700))
    assert sees(world, "0-000000000003") == numbers(orders(1200))
    for _ in range(2):
        world.clock.advance(2 * DAY)
        keep_up(world, compact=compact)
    assert (sees(world), verify(world.store, "orders").problems) == (numbers(orders(700)), [])


def test_a_key_is_forgotten_in_every_snapshot_and_does_not_come_back(world: World) -> None:
    passed(world, orders(700))
    passed(world, orders(700))
    stopped_in_the_middle(world)
    forget(world, 5)
    assert [key for key in parquet(world) if 5 in ids(world, key)] == []
    world.run()
    everything = sorted({*numbers(orders(1200))} - {5})
    assert (sees(world), verify(world.store, "orders").problems) == (everything, [])
    [commit, _, _] = passed(world, orders(1200))
    assert commit.header.accounts.duplicates == 1
    assert sees(world) == everything


def test_what_was_forgotten_by_one_key_is_not_loaded_by_another(world: World) -> None:
    passed(world, orders(100))
    forget(world, 5)
    changed_over(world, key=["id", "amount"], **REPLACED)
    passed(world, orders(100))
    assert 5 not in sees(world)
    assert len(sees(world)) == 99


def test_a_backup_in_the_middle_of_a_pass_is_a_lake_that_goes_on(world: World) -> None:
    passed(world, orders(300))
    stopped_in_the_middle(world)
    copy = MemoryStore()
    backup(world.store, copy, "orders")
    world.store = copy
    assert (sees(world), verify(copy, "orders").problems) == (numbers(orders(300)), [])
    world.run()
    assert (sees(world), verify(copy, "orders").problems) == (numbers(orders(1200)), [])
