"""A stream's own transform may change and leave out rows; whatever it does, the accounts hold."""

import pytest

from datastream.errors import Permanent
from datastream.lake.verify import verify
from datastream.records import Accounts
from datastream.transform import TransformFailed, TransformMissing
from tests.conftest import World, order, orders, stream_of


def test_rows_that_are_left_out_are_set_aside_by_the_rule_transform(world: World) -> None:
    world.api.records = orders(10)
    world.stream = stream_of(transform="tests.transforms:without_even_ids")
    [commit] = world.run()
    assert commit.header.accounts == Accounts(read=10, loaded=5, quarantined=5)
    assert commit.header.set_aside == {"transform": 5}
    raws = world.rows("""select (_raw::json->>'id')::int from orders_quarantine order by all""")
    assert raws == [(2,), (4,), (6,), (8,), (10,)]


def test_rows_may_come_in_another_order(world: World) -> None:
    world.api.records = [order(n, amount=None if n == 3 else n) for n in range(1, 8)]
    world.stream = stream_of(transform="tests.transforms:reversed_rows")
    world.run()
    assert world.rows("select id from orders order by all") == [(1,), (2,), (4,), (5,), (6,), (7,)]
    assert world.rows("select id, _raw::json->>'id' from orders_quarantine") == [(3, "3")]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raising", "raised ValueError: no such column: price"),
        ("forgetful", "It must return an Arrow table that still has the column _record_id"),
        ("inventive", "returned rows it was not given, or one of them twice"),
    ],
)
def test_a_transform_that_goes_wrong_stops_the_run_and_nothing_is_committed(world: World, name: str, said: str) -> None:
    world.api.records = orders(10)
    world.stream = stream_of(transform=f"tests.transforms:{name}")
    with pytest.raises(TransformFailed, match=said):
        world.run()
    assert list(world.store.keys("_log/")) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("with_an_interval", "Parquet cannot hold"),
        ("with_endless_seconds", "Parquet cannot hold"),
        ("with_bytes_for_text", "Parquet cannot hold"),
        ("with_our_name", "'_commit', which is there twice or is one of our"),
    ],
)
def test_what_cannot_be_stored_is_refused_before_it_is_decided(world: World, name: str, said: str) -> None:
    """After the decision it would be too late: mending the transform changes no plan."""
    world.api.records = orders(10)
    world.stream = stream_of(transform=f"tests.transforms:{name}")
    with pytest.raises(TransformFailed, match=said):
        world.run()
    world.stream = stream_of()
    world.run()
    assert world.rows("select count(*) from orders") == [(10,)]


def test_a_transform_may_go_through_pandas(world: World) -> None:
    world.api.records = orders(10)
    world.stream = stream_of(transform="tests.transforms:through_pandas")
    world.run()
    assert world.rows("select count(*) from orders") == [(10,)]


@pytest.mark.parametrize("entry", ["no.such.module:clean", "tests.transforms:missing"])
def test_a_transform_that_is_not_there_is_told(world: World, entry: str) -> None:
    world.stream = stream_of(transform=entry)
    with pytest.raises(TransformMissing, match="cannot be imported"):
        world.run()


def test_a_record_without_its_key_is_set_aside_once(world: World) -> None:
    """It has no id to be known by, so its own bytes are its id."""
    world.api.records = [order(1), {"at": "2026-01-01T05:00:00Z", "amount": 5}]
    world.run()
    world.api.records.append(order(1, at="2026-01-01T05:30:00Z"))
    world.run()
    found = verify(world.store, "orders")
    assert (found.loaded, found.quarantined, found.ok) == (2, 1, True)
    assert world.rows("select _rules from orders_quarantine") == [(["key: id is missing"],)]


def test_a_record_that_does_not_fit_is_set_aside_by_the_rule_schema(world: World) -> None:
    world.api.records = [order(1), order(2, amount="many"), order(3)]
    world.run()
    assert world.rows("select id from orders order by all") == [(1,), (3,)]
    assert world.rows("select _rules from orders_quarantine") == [(["schema: amount is not int64"],)]


def test_a_stream_partitioned_by_no_time_is_told(world: World) -> None:
    world.api.records = orders(3)
    world.stream = stream_of(transform=None)
    with pytest.raises(Permanent, match="partitioned by 'at', which is string and no time"):
        world.run()


def test_a_stream_partitioned_by_no_column_is_told(world: World) -> None:
    world.api.records = orders(3)
    world.stream = stream_of(partition_by={"field": "ad"})
    with pytest.raises(Permanent, match="its table has no column 'ad'"):
        world.run()


def test_a_first_claim_without_any_value_is_set_aside(world: World) -> None:
    world.api.records = [{}, {}]
    world.run()
    found = verify(world.store, "orders")
    assert (found.quarantined, found.duplicates, found.ok) == (1, 1, True)


def test_rows_without_a_time_land_in_a_folder_of_their_own(world: World) -> None:
    world.api.records = [order(1), order(2, at=None), order(3, at="someday")]
    world.run()
    folders = {file.key.split("/")[2] for commit in world.run() or [] for file in commit.files}
    assert folders == set()
    there = {key.split("/")[2] for key in world.store.keys("orders/data/")}
    assert there == {"at_day=2026-01-01", "at_day=__HIVE_DEFAULT_PARTITION__"}
