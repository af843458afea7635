"""Rows land by their own time (R23), a claim opens few folders, and late rows go where the stream says."""

import io
import random
from datetime import timedelta

import pyarrow.parquet as pq

from datastream.lake.verify import verify
from datastream.records import Accounts
from tests.conftest import World, order, stream_of


def on(day: int, number: int, **changes: object) -> dict:
    return order(number, at=f"2026-03-{day:02}T12:00:00Z", **changes)


def footer(world: World, key: str) -> pq.FileMetaData:
    return pq.read_metadata(io.BytesIO(world.store.read(key) or b""))


def by_folder(world: World) -> dict[str, int]:
    found: dict[str, int] = {}
    for key in world.store.keys("orders/data/"):
        folder = key.split("/")[2].partition("=")[2]
        found[folder] = found.get(folder, 0) + footer(world, key).num_rows
    return found


def test_r23_shuffled_times_land_in_their_own_folders_and_none_is_dropped(world: World) -> None:
    rows = [on(1 + n % 14, n) for n in range(1, 701)]
    random.Random(1).shuffle(rows)
    world.api.records = rows
    world.run()
    assert by_folder(world) == {f"2026-03-{day:02}": 50 for day in range(1, 15)}
    assert world.rows("select count(*), count(distinct id) from orders") == [(700, 700)]


def test_a_late_row_lands_in_its_own_folder_unless_the_stream_says_otherwise(world: World) -> None:
    world.stream = stream_of(source={"cursor": {"field": "id", "param": "x", "initial": 0}})
    world.api.records = [on(20, 1)]
    world.run()
    world.api.records.append(on(3, 2))
    [commit] = world.run()
    assert (commit.header.accounts.loaded, by_folder(world)) == (1, {"2026-03-20": 1, "2026-03-03": 1})


def test_a_late_row_is_set_aside_where_the_stream_says_so(world: World) -> None:
    by = {"field": "at", "late": "quarantine", "lateness": "P2D"}
    world.stream = stream_of(source={"cursor": {"field": "id", "param": "x", "initial": 0}}, partition_by=by)
    world.api.records = [on(3, 1), on(20, 2)]
    [first] = world.run()
    assert first.header.accounts.loaded == 2, "what comes in the same claim is not late"
    world.api.records += [on(17, 3), on(18, 4), on(3, 5, amount=None)]
    [second] = world.run()
    assert second.header.set_aside == {"late": 1, "amount not null": 1}
    assert by_folder(world) == {"2026-03-03": 1, "2026-03-20": 1, "2026-03-18": 1}
    assert verify(world.store, "orders").problems == []


def test_a_row_from_the_future_makes_no_other_late(world: World) -> None:
    by = {"field": "at", "late": "quarantine"}
    world.stream = stream_of(source={"cursor": {"field": "id", "param": "x", "initial": 0}}, partition_by=by)
    world.api.records = [order(1, at="2999-01-01T00:00:00Z")]
    [commit] = world.run()
    assert commit.header.watermark == world.clock.now()
    world.api.records.append(order(2, at=f"{world.clock.now() - timedelta(hours=5):%Y-%m-%dT%H:%M:%SZ}"))
    [commit] = world.run()
    assert commit.header.accounts.loaded == 1


def test_a_claim_opens_no_more_folders_than_the_stream_allows(world: World) -> None:
    """Those with the most rows are opened; the others' rows are set aside, and none is lost."""
    world.stream = stream_of(partition_by={"field": "at", "most": 3})
    world.api.records = [on(1 + n % 3, n) for n in range(1, 31)] + [on(day, 100 + day) for day in range(10, 15)]
    [commit] = world.run()
    assert commit.header.accounts == Accounts(read=35, loaded=30, quarantined=5)
    assert commit.header.set_aside == {"partitions": 5}
    assert set(by_folder(world)) == {"2026-03-01", "2026-03-02", "2026-03-03"}


def test_each_file_says_where_its_rows_come_from(world: World) -> None:
    world.api.records = [on(1, 1), on(1, 2, amount=None)]
    [commit] = world.run("the run")
    for file in commit.all_files:
        found = footer(world, file.key).metadata
        assert found[b"datastream.stream"] == b"orders"
        assert found[b"datastream.commit"] == b"0-000000000001"
        assert found[b"datastream.run"] == b"the run"
        assert found[b"datastream.suite"].decode() == commit.header.versions.suite
        assert found[b"datastream.transform"].decode() == commit.header.versions.transform
        assert b"cursor" in found[b"datastream.offsets"]
