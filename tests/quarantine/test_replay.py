"""What was set aside goes through today's rules once more; what is good is loaded once, and the rest stays."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from datastream.lake import reader
from datastream.lake.live import live
from datastream.lake.manifest import FORMAT_OF_REPLAYS
from datastream.lake.verify import verify
from datastream.lookback import look_back
from datastream.maintenance import forget, maintain
from datastream.quality import load_suite
from datastream.quarantine import ReplayRefused, SelectionWrong, Wanted, replay
from datastream.records import Accounts
from tests.conftest import World, order, stream_of
from tests.quarantine.conftest import Replaying, without_amount

MENDED = Wanted(mended={"amount": "7"})


def aside(world: World) -> list[int]:
    """Return the ids in quarantine, as SQL and `quarantine show` see them."""
    found = sorted(row[0] for row in world.rows("select id from orders_quarantine"))
    assert sorted(row["id"] for row in reader.quarantined(world.store, "orders", None, 10_000)) == found
    return found


def loaded(world: World) -> list[tuple[int, int]]:
    return world.rows("select id, amount from orders order by id")


def test_a_mended_row_is_loaded_and_leaves_the_quarantine(stored: World, replaying: Replaying) -> None:
    stored.api.records += [order(1), *without_amount(2, 3)]
    stored.run()
    with replaying() as lane:
        done = replay(lane, Wanted(where="id = 2", mended={"amount": "id * 10"}))
    assert (done.taken, done.loaded, done.left) == (1, 1, {})
    assert (loaded(stored), aside(stored)) == ([(1, 1), (2, 20)], [3])
    found = verify(stored.store, "orders")
    assert (found.problems, found.read, found.loaded, found.quarantined) == ([], 3, 2, 1)


def test_a_replay_commit_reads_nothing_and_says_what_it_did(world: World, replaying: Replaying) -> None:
    world.api.records += without_amount(1, 2)
    world.run()
    with replaying() as lane:
        done = replay(lane, Wanted(where="id < 9", mended={"amount": "1"}))
        commit = lane.newest
    assert commit is not None
    assert done.commits == [str(commit)] == ["replay-000000000001"]
    assert commit.header.accounts == Accounts(replayed=2)
    assert commit.header.offsets == {"where": "id < 9", "set": {"amount": "1"}}
    assert commit.format == FORMAT_OF_REPLAYS


def test_a_second_replay_changes_nothing(world: World, replaying: Replaying) -> None:
    world.api.records += without_amount(1, 2, 3)
    world.run()
    for expected in (3, 0):
        with replaying() as lane:
            assert replay(lane, MENDED).loaded == expected
    assert len(list(reader.commits(world.store, "orders"))) == 2


def test_what_still_breaks_a_rule_stays_and_is_counted_by_it(world: World, replaying: Replaying) -> None:
    world.api.records += without_amount(1, 2)
    world.run()
    with replaying() as lane:
        done = replay(lane, Wanted(mended={"amount": "case when id = 1 then 5 end"}))
    assert (done.taken, done.loaded, done.stays, done.left) == (2, 1, 1, {"amount not null": 1})
    assert reader.set_aside(world.store, "orders") == {"amount not null": 1}


def test_a_rule_that_was_wrong_is_corrected_and_its_rows_are_loaded_as_they_came(
    world: World, replaying: Replaying
) -> None:
    world.api.records += without_amount(1, 2)
    world.run()
    rules = [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "id"}}]
    (world.suites / "orders.json").write_text(json.dumps({"name": "orders", "expectations": rules}))
    with replaying() as lane:
        assert replay(lane, Wanted()).loaded == 2
    assert world.rows("select id from orders order by id") == [(1,), (2,)]


def test_the_trail_leads_from_the_old_row_to_the_new_one(world: World, replaying: Replaying) -> None:
    world.api.records += without_amount(1)
    world.run()
    with replaying() as lane:
        replay(lane, MENDED)
    [trail] = world.rows("select _commit, _rules, _observed, _replayed, _raw from orders_replayed")
    assert trail[:4] == ("0-000000000001", ["amount not null"], ["null"], "replay-000000000001")
    assert json.loads(trail[4])["amount"] is None
    [new] = world.rows("select o._commit, o.amount from orders o join orders_replayed using (_record_id)")
    assert new == ("replay-000000000001", 7)


def test_the_past_has_the_row_in_quarantine_still(world: World, replaying: Replaying) -> None:
    world.api.records += without_amount(1)
    world.run()
    world.clock.advance(timedelta(minutes=1))
    with replaying() as lane:
        replay(lane, MENDED)
    ask = "select count(*) from orders_quarantine"
    assert reader.query(world.store, ask, "0-000000000001")[1] == [(1,)]
    assert reader.query(world.store, ask)[1] == [(0,)]


def test_a_record_that_comes_again_after_its_replay_is_a_duplicate(world: World, replaying: Replaying) -> None:
    world.api.records += [order(1), *without_amount(2)]
    world.run()
    with replaying() as lane:
        replay(lane, MENDED)
    world.api.records += [order(3)]
    [again] = world.run()
    assert again.header.accounts.loaded == 1
    assert [row[0] for row in loaded(world)] == [1, 2, 3]


def test_a_row_that_was_refused_before_the_check_is_mended_as_it_came(world: World, replaying: Replaying) -> None:
    world.stream = stream_of(schema={"declared": {"amount": "int64"}, "types": "quarantine_row"})
    world.api.records += [order(1), order(2, amount="many")]
    world.run()
    with replaying() as lane:
        done = replay(lane, Wanted(where="_raw->>'$.amount' = 'many'", mended={"amount": "12"}))
    assert done.loaded == 1
    assert loaded(world) == [(1, 1), (2, 12)]


def test_rows_of_many_commits_are_asked_about_together(world: World, replaying: Replaying) -> None:
    for number in range(1, 6):
        world.api.records += without_amount(number)
        world.run()
    with replaying() as lane:
        assert replay(lane, MENDED).commits == ["replay-000000000001"]


def test_no_commit_holds_more_rows_than_the_stream_allows(world: World, replaying: Replaying) -> None:
    world.stream = stream_of(batch={"size": 2, "per_commit": 2})
    world.api.records += without_amount(*range(1, 11))
    world.run()
    with replaying() as lane:
        done = replay(lane, MENDED)
    assert (done.loaded, len(done.commits)) == (10, 3)
    assert all(held.file.rows <= 2 for held in live(world.store, "orders").data)


def test_a_dry_replay_tells_what_would_happen_and_commits_nothing(world: World, replaying: Replaying) -> None:
    world.api.records += without_amount(1, 2)
    world.run()
    with replaying() as lane:
        done = replay(lane, Wanted(mended={"amount": "case when id = 1 then 5 end"}), dry=True)
    assert (done.taken, done.loaded, done.left, done.commits) == (2, 1, {"amount not null": 1}, [])
    assert aside(world) == [1, 2]


def test_a_column_that_no_record_has_cannot_be_set(world: World, replaying: Replaying) -> None:
    world.api.records += without_amount(1)
    world.run()
    with (
        replaying() as lane,
        pytest.raises(SelectionWrong, match=r"'amuont' .* There are: id, at, amount"),
    ):
        replay(lane, Wanted(mended={"amuont": "1"}))


@pytest.mark.parametrize(
    "wrong",
    [
        Wanted(where="amuont is null"),
        Wanted(where="id = "),
        Wanted(mended={"amount": "id +"}),
        Wanted(where="id in (select id from read_csv('/etc/passwd'))"),
        Wanted(where="exists (select 1 from orders)"),
        Wanted(where="true); select (1"),
    ],
)
def test_what_cannot_be_asked_of_the_rows_is_a_sentence(world: World, replaying: Replaying, wrong: Wanted) -> None:
    world.api.records += without_amount(1)
    world.run()
    with replaying() as lane, pytest.raises(SelectionWrong, match=r"The columns are .*_raw"):
        replay(lane, wrong)
    assert aside(world) == [1]


def test_snapshots_are_not_added_to(world: World, replaying: Replaying) -> None:
    world.stream = stream_of(load="replace", source={"cursor": None})
    world.api.records += without_amount(1)
    world.run()
    with replaying() as lane, pytest.raises(ReplayRefused, match="load: replace"):
        replay(lane, MENDED)


def test_values_of_any_kind_are_set_as_json(world: World, replaying: Replaying) -> None:
    world.api.records += [order(1, note="x", amount=None), order(2, note="y")]
    world.run()
    mended = {"amount": "1", "note": "'it''s \"so\"'", "at": "timestamp '2026-05-01 10:00:00'"}
    with replaying() as lane:
        replay(lane, Wanted(mended={**mended, "at": "strftime(timestamp '2026-05-01 10:00:00', '%Y-%m-%dT%H:%M:%SZ')"}))
    assert world.rows('select note, "at"::varchar from orders where id = 1') == [
        ('it\'s "so"', "2026-05-01 10:00:00+00")
    ]


def test_other_fields_stay_as_they_came_to_the_last_digit(world: World, replaying: Replaying) -> None:
    world.api.records += [order(1, amount=None, big=2**60 + 1)]
    world.run()
    with replaying() as lane:
        replay(lane, MENDED)
    assert world.rows("select big from orders") == [(2**60 + 1,)]


def test_two_replays_side_by_side_load_each_row_once(world: World, replaying: Replaying) -> None:
    world.api.records += without_amount(*range(1, 8))
    world.run()
    with replaying() as slow, replaying() as quick:
        replay(quick, Wanted(where="id <= 3", mended={"amount": "1"}))
        assert replay(slow, Wanted(mended={"amount": "2"})).loaded == 4
    assert [amount for _, amount in loaded(world)] == [1, 1, 1, 2, 2, 2, 2]
    assert verify(world.store, "orders").problems == []


def test_the_transform_of_today_is_run(world: World, replaying: Replaying, tmp_path: Path) -> None:
    del tmp_path
    world.stream = stream_of(transform="tests.transforms:without_even_ids")
    world.api.records += [order(1), order(2)]
    world.run()
    assert reader.set_aside(world.store, "orders") == {"transform": 1}
    world.stream = stream_of()
    with replaying() as lane:
        replay(lane, Wanted())
    assert [row[0] for row in loaded(world)] == [1, 2]


def test_a_mended_record_is_forgotten_wherever_it_stands(world: World, replaying: Replaying) -> None:
    """Its key was mended, so that quarantine and data know it by different ones."""
    world.api.records += [order(1), *without_amount(2)]
    world.run()
    with replaying() as lane:
        replay(lane, Wanted(mended={"amount": "1", "id": "20"}))
    done = forget("orders", world.store, {"id": "20"}, run="forget", clock=world.clock)
    assert done is not None
    assert (done.gone.data, done.gone.quarantined) == (1, 1)
    assert [row[0] for row in loaded(world)] == [1]
    assert verify(world.store, "orders").problems == []


def test_what_was_replayed_does_not_come_back_when_the_data_expire_before_the_quarantine(
    world: World, replaying: Replaying
) -> None:
    world.stream = stream_of(retention={"data": "P10D"})
    world.api.records += [order(1), *without_amount(2)]
    world.run()
    with replaying() as lane:
        replay(lane, MENDED)
    world.clock.advance(timedelta(days=20))
    maintain(world.stream, world.store, run="maintenance", clock=world.clock)
    assert (loaded(world), aside(world)) == ([(2, 7)], [])


def test_what_was_replayed_expires_with_the_quarantine_it_left(world: World, replaying: Replaying) -> None:
    world.stream = stream_of(retention={"data": "P10D", "quarantine": "P10D"})
    world.api.records += [order(1), *without_amount(2)]
    world.run()
    with replaying() as lane:
        replay(lane, MENDED)
    world.clock.advance(timedelta(days=20))
    maintain(world.stream, world.store, run="maintenance", clock=world.clock)
    assert verify(world.store, "orders").problems == []
    assert live(world.store, "orders").all_files == []


def test_rows_that_were_replayed_are_looked_back_at(world: World, replaying: Replaying) -> None:
    world.api.records += without_amount(1, 2)
    world.run()
    with replaying() as lane:
        replay(lane, MENDED)
    suite = load_suite(world.suites, "orders")
    assert [piece.rows for piece in look_back(world.stream, suite, world.store, None).pieces] == [2]


def test_rows_of_more_folders_than_a_commit_may_open_are_loaded_by_several(world: World, replaying: Replaying) -> None:
    world.stream = stream_of(partition_by={"field": "at", "grain": "day", "most": 2})
    for day in range(1, 6):
        world.api.records += without_amount(day, at=f"2026-02-0{day}T00:00:00Z")
        world.run()
    for dry in (True, False):
        with replaying() as lane:
            done = replay(lane, MENDED, dry=dry)
        assert (done.taken, done.loaded, done.left) == (5, 5, {})
    assert len(done.commits) == 3
