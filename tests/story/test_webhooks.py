"""The way of a delivery: what the gateway accepted is loaded, set aside or a duplicate, once."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from datastream import pipeline
from datastream.lake.verify import verify
from datastream.records import Accounts
from tests.conftest import order
from tests.story.door import WEEK, Door


@pytest.fixture
def door(suites: Path, tmp_path: Path) -> Door:
    return Door.opened(suites, tmp_path / "lake")


def test_everything_that_waits_is_loaded_and_forgotten(door: Door) -> None:
    door.post(*range(1, 1235))
    commits = door.run()
    assert door.ids() == list(range(1, 1235))
    assert (len(commits), door.buffer.depth("orders:0"), verify(door.store, "orders").problems) == (3, 0, [])


def test_a_second_run_reads_nothing(door: Door) -> None:
    door.post(1, 2)
    door.run()
    assert door.post(1, 2) == [False, False]
    assert door.run() == []


def test_a_bad_row_is_set_aside_as_it_came(door: Door) -> None:
    door.post(1)
    door.post(2, amount=None)
    [commit] = door.run()
    assert commit.header.accounts == Accounts(read=2, loaded=1, quarantined=1)
    assert commit.header.set_aside == {"amount not null": 1}


def test_a_list_is_as_many_records_as_it_has(door: Door) -> None:
    door.deliver("m", json.dumps([order(1), order(2), order(3)]))
    [commit] = door.run()
    assert (door.ids(), commit.header.accounts.read) == ([1, 2, 3], 3)


@pytest.mark.parametrize("body", ["17", "nonsense", "[1", "{}", '{"_commit": 1}', "[" * 5000])
def test_what_is_no_row_is_set_aside(door: Door, body: str) -> None:
    """The gateway refuses most of it; what came past it is not lost."""
    door.post(1)
    door.deliver("strange", body)
    [commit] = door.run()
    assert commit.header.accounts == Accounts(read=2, loaded=1, quarantined=1)


def test_each_row_says_when_it_was_received(door: Door) -> None:
    from datastream.lake.reader import connect

    door.post(1)
    door.clock.advance(timedelta(minutes=7))
    door.post(2)
    door.clock.advance(timedelta(hours=1))
    door.run()
    with connect(door.store) as connection:
        [(first,), (second,)] = connection.sql("select _received_at from orders order by id").fetchall()
    assert second - first == timedelta(minutes=7)


def test_a_run_takes_what_waited_when_it_began(door: Door) -> None:
    door.post(1, 2)
    with door.lane() as lane:
        for claim in pipeline.claims(lane):
            door.post(3)
            batch = pipeline.transform(lane, claim)
            plan = pipeline.decide(lane, batch, pipeline.check(lane, batch))
            assert plan is not None
            pipeline.complete(lane, plan)
    assert (door.ids(), door.buffer.depth("orders:0")) == ([1, 2], 1)


def test_what_a_dead_run_left_behind_its_commit_is_trimmed_by_the_next(door: Door) -> None:
    """It died between commit and trim; nothing new has come since."""
    door.post(1, 2)
    with door.lane() as lane:
        batch = pipeline.transform(lane, next(pipeline.claims(lane)))
        plan = pipeline.decide(lane, batch, pipeline.check(lane, batch))
        assert plan is not None
        pipeline.commit(lane, pipeline.write(lane, plan))
    assert door.buffer.depth("orders:0") == 2
    assert door.run() == []
    assert (door.ids(), door.buffer.depth("orders:0")) == ([1, 2], 0)


def test_after_a_restore_what_is_committed_comes_again_as_duplicates(door: Door) -> None:
    """An older copy of the buffer has the entries, and not the marks and not the trim."""
    door.post(1, 2)
    door.run()
    door.buffer.flush()
    door.post(1, 2, 3)
    [commit] = door.run()
    assert commit.header.accounts == Accounts(read=3, loaded=1, duplicates=2)
    assert door.ids() == [1, 2, 3]


def test_entries_whose_trim_was_lost_are_duplicates_however_late_they_are_read(door: Door) -> None:
    """A run died behind its commit, and the buffer restarted after a pause longer than it remembers deliveries."""
    door.post(1, 2)
    with door.lane() as lane:
        batch = pipeline.transform(lane, next(pipeline.claims(lane)))
        plan = pipeline.decide(lane, batch, pipeline.check(lane, batch))
        assert plan is not None
        pipeline.commit(lane, pipeline.write(lane, plan))
    door.clock.advance(3 * WEEK)
    door.buffer.restart()
    [commit] = door.run()
    assert (commit.header.accounts, door.ids()) == (Accounts(read=2, duplicates=2), [1, 2])


def test_a_claim_is_bounded_in_records_and_cuts_no_delivery(door: Door) -> None:
    for name in range(4):
        door.deliver(f"list-{name}", json.dumps([order(name * 300 + n) for n in range(300)]))
    assert [commit.header.accounts.read for commit in door.run()] == [300, 300, 300, 300]


def test_a_post_with_the_partitions_name_as_a_column_is_set_aside_and_the_lane_goes_on(door: Door) -> None:
    door.post(1)
    door.post(2, at_day="2026-01-01")
    [commit] = door.run()
    assert commit.header.set_aside == {"schema: at_day is our own name": 1}
    door.post(3)
    door.run()
    assert door.ids() == [1, 3]


def test_a_post_that_is_refused_teaches_no_type(door: Door) -> None:
    door.post(1, amount="text", _commit=1)
    door.run()
    door.post(2)
    [commit] = door.run()
    assert (commit.header.accounts.loaded, door.ids()) == (1, [2])


def test_after_a_restart_the_lane_goes_on(door: Door) -> None:
    door.post(1, 2)
    door.run()
    door.buffer.restart()
    door.post(3)
    door.run()
    assert (door.ids(), door.buffer.depth("orders:0")) == ([1, 2, 3], 0)


def test_a_buffer_that_restarts_while_it_is_read_is_read_from_its_beginning(door: Door) -> None:
    door.post(*range(1, 1401))
    with door.lane() as lane:
        for number, claim in enumerate(pipeline.claims(lane)):
            if number == 0:
                door.buffer.restart()
            batch = pipeline.transform(lane, claim)
            plan = pipeline.decide(lane, batch, pipeline.check(lane, batch))
            assert plan is not None
            pipeline.complete(lane, plan)
    door.run()  # what was read ahead of the restart is committed, and cannot be trimmed by its old positions
    assert (door.ids(), door.buffer.depth("orders:0")) == (list(range(1, 1401)), 0)


def test_what_is_decided_needs_no_buffer_any_more(door: Door) -> None:
    """The buffer is flushed between decision and commit, and the stream's rules have changed."""
    door.post(1, 2)
    with door.lane() as lane:
        batch = pipeline.transform(lane, next(pipeline.claims(lane)))
        pipeline.decide(lane, batch, pipeline.check(lane, batch))
    door.buffer.flush()
    [commit] = door.run()
    assert (door.ids(), commit.header.accounts.loaded) == ([1, 2], 2)


def test_of_two_workers_one_commits_each_delivery(door: Door) -> None:
    door.post(*range(1, 701))
    with door.lane() as sleeper, door.lane() as other:
        waiting = pipeline.claims(sleeper)
        claim = next(waiting)
        pipeline.drain(other)
        batch = pipeline.transform(sleeper, claim)
        assert pipeline.decide(sleeper, batch, pipeline.check(sleeper, batch)) is None
        assert next(waiting, None) is None
    assert (door.ids(), verify(door.store, "orders").problems) == (list(range(1, 701)), [])
