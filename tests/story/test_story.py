"""The way of a record, told in tests: what is read is loaded, set aside or a duplicate, and nothing else."""

import io

import pyarrow.parquet as pq

from datastream.lake.verify import verify
from datastream.records import Accounts
from tests.conftest import World, order, orders, stream_of


def test_everything_that_waits_is_loaded(world: World) -> None:
    world.api.records = orders(1234)
    world.run()
    assert world.rows("select count(*), count(distinct id) from orders") == [(1234, 1234)]


def test_the_accounts_hold_and_the_lake_agrees_with_its_log(world: World) -> None:
    world.api.records = [*orders(700), *orders(50), order(9001, amount=None)]
    world.run()
    found = verify(world.store, "orders")
    assert (found.read, found.loaded, found.quarantined, found.duplicates) == (751, 700, 1, 50)
    assert found.problems == []


def test_everything_on_a_lake_is_ours(world: World) -> None:
    world.api.records = [*orders(50), order(9001, amount=None)]
    for _ in range(20):
        world.run()
    assert verify(world.store, "orders").strangers == []


def test_a_bad_row_is_set_aside_with_its_rule_and_as_it_came(world: World) -> None:
    world.api.records = [order(1), order(2, amount=None)]
    world.run()
    [(rules, raw)] = world.rows("select _rules, _raw from orders_quarantine")
    assert rules == ["amount not null"]
    assert '"id": 2' in raw


def test_a_row_that_breaks_a_warning_is_loaded(world: World) -> None:
    world.api.records = [order(1, amount=5000)]
    [commit] = world.run()
    assert commit.header.accounts == Accounts(read=1, loaded=1)
    assert [rule.rows for rule in commit.header.rules] == [0, 1]


def test_a_second_run_finds_only_the_lag_window(world: World) -> None:
    """The cursor's lag asks again for the last hour; what comes again is a duplicate."""
    world.api.records = orders(40)
    world.run()
    [commit] = world.run()
    assert commit.header.accounts == Accounts(read=1, duplicates=1)


def test_a_late_row_within_the_lag_is_loaded(world: World) -> None:
    world.api.records = orders(40)
    world.run()
    world.api.records.append(order(39, id=9000))
    world.api.records.append(order(40, id=9001))
    world.run()
    assert world.rows("select count(*) from orders where id = 9001") == [(1,)]


def test_a_new_version_of_a_key_is_a_new_record(world: World) -> None:
    world.api.records = [order(1)]
    world.run()
    world.api.records = [order(1, at="2026-03-01T00:00:00Z", amount=7)]
    world.run()
    assert world.rows("select id, amount from orders order by amount") == [(1, 1), (1, 7)]


def test_rows_land_in_the_folder_of_their_own_time(world: World) -> None:
    world.api.records = orders(60)
    [commit] = world.run()
    assert [file.key for file in commit.files] == [
        f"orders/data/at_day=2026-01-{day:02}/0-000000000001-{part:04}.parquet" for part, day in enumerate([1, 2, 3, 4])
    ]


def test_a_file_holds_at_most_the_batch_size(world: World) -> None:
    world.api.records = orders(1000)
    world.stream = stream_of(partition_by=None)
    commits = world.run()
    assert [file.rows for commit in commits for file in commit.files] == [100] * 10


def test_a_stream_may_have_no_partitions_and_no_cursor(world: World) -> None:
    world.api.records = orders(250)
    world.stream = stream_of(partition_by=None, source={"cursor": None})
    world.run()
    world.run()
    found = verify(world.store, "orders")
    assert (found.read, found.loaded, found.duplicates, found.ok) == (500, 250, 250, True)


def test_next_links_are_followed_to_the_end(world: World) -> None:
    world.api.records = orders(1001)
    world.stream = stream_of(
        source={"path": "/linked", "records": "items.rows", "paginate": {"kind": "next_link", "next": "next"}}
    )
    world.run()
    assert world.rows("select count(*), count(distinct id) from orders") == [(1001, 1001)]


def test_an_api_with_nothing_to_say_commits_nothing(world: World) -> None:
    assert world.run() == []


def test_a_plain_glob_holds_exactly_the_committed_rows(world: World) -> None:
    world.api.records = orders(900)
    world.run()
    files = [world.store.read(key) for key in world.store.keys("orders/data/") if key.endswith(".parquet")]
    ids = [i for file in files for i in pq.read_table(io.BytesIO(file))["id"].to_pylist()]
    assert sorted(ids) == list(range(1, 901))


def test_every_row_says_where_it_comes_from(world: World) -> None:
    world.api.records = orders(3)
    world.run()
    rows = world.rows("select _commit, _received_at, length(_record_id) from orders")
    assert {row[0] for row in rows} == {"0-000000000001"}
    assert {row[1] for row in rows} == {world.clock.now()}
    assert {row[2] for row in rows} == {32}


def test_a_manifest_names_the_versions_that_decided(world: World) -> None:
    world.api.records = orders(3)
    [commit] = world.run("the run")
    assert commit.header.run == "the run"
    assert len(commit.header.versions.suite) == 12
    assert commit.header.versions.transform not in ("", "none")
