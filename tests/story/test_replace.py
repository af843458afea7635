"""`load: replace`: each pass over the source is a whole snapshot, and readers go from one to the next at one moment."""

import logging
from collections.abc import Callable

import pytest
from pydantic import ValidationError

from datastream import pipeline
from datastream.announce import events_of
from datastream.connections import ApiConfig
from datastream.intake.api import api_intake
from datastream.lake import reader
from datastream.lake.manifest import FORMAT, FORMAT_OF_SNAPSHOTS, Manifest
from datastream.lake.sql import query
from datastream.lake.tables import read
from datastream.lake.verify import verify
from datastream.lane import open_lane
from datastream.quality import load_suite
from datastream.records import Accounts
from datastream.sources.judge import ApiBusy, ApiRefused
from datastream.trial import trial
from tests.conftest import World, order, orders, stream_of
from tests.fake_api import LOCAL, Asked, Response, ok
from tests.posts import posted_stream
from tests.story.snapshots import REPLACED, numbers, passed, place_is_gone, sees, stopped_in_the_middle
from tests.story.test_reshape import changed_over


@pytest.fixture
def world(mirrored: World) -> World:
    return mirrored


def watched(world: World, on_commit: Callable[[Manifest], None]) -> None:
    """Run, and look after each commit."""
    config, suite = ApiConfig(base_url=world.api.url, private_networks=LOCAL), load_suite(world.suites, "orders")
    with (
        api_intake(world.stream, config, world.clock) as intake,
        open_lane(world.stream, suite, world.store, intake, run="watched", clock=world.clock) as lane,
    ):
        pipeline.drain(lane, on_commit)


def test_what_vanished_at_the_source_vanishes_and_what_changed_is_new(world: World) -> None:
    passed(world, orders(250))
    [commit] = passed(world, [*orders(99, 2), order(1, amount=7), order(900)])
    assert commit.header.accounts == Accounts(read=101, loaded=101)
    assert sees(world) == [*range(1, 101), 900]
    assert query(world.store, "select amount from orders_current where id = 1")[1] == [(7,)]
    assert verify(world.store, "orders").problems == []


def test_readers_see_one_whole_snapshot_after_every_commit(world: World) -> None:
    passed(world, orders(1200))
    old, new = numbers(orders(1200)), numbers(orders(1100, 600))
    world.api.records = orders(1100, 600)
    seen: list[list[int]] = []
    watched(world, lambda _: seen.append(sees(world)))
    assert seen == [old, old, new]


def test_nothing_of_the_first_pass_is_seen_before_it_is_whole(world: World) -> None:
    stopped_in_the_middle(world)
    assert (sees(world), verify(world.store, "orders").problems) == ([], [])
    assert reader.quarantined(world.store, "orders", None, 10) == []
    world.run()
    assert sees(world) == numbers(orders(1200))


def test_a_run_that_ended_in_the_middle_is_taken_up_there(world: World) -> None:
    passed(world, orders(300))
    stopped_in_the_middle(world)
    assert sees(world) == numbers(orders(300))
    made = world.run()
    assert min(int(target.rpartition("page=")[2]) for target in world.api.asked) == 6
    assert sum((commit.header.accounts for commit in made), Accounts()) == Accounts(read=700, loaded=700)
    assert sees(world) == numbers(orders(1200))


def test_a_record_twice_in_a_pass_is_a_duplicate_and_in_two_passes_is_none(world: World) -> None:
    records = [*orders(700), *orders(50), order(9001, amount=None), order(9001, amount=None)]
    for _ in range(2):
        made = passed(world, records)
        accounts = sum((commit.header.accounts for commit in made), Accounts())
        assert accounts == Accounts(read=752, loaded=700, quarantined=1, duplicates=51)
        assert sees(world) == numbers(orders(700))
        assert query(world.store, "select count(*) from orders_quarantine")[1] == [(1,)]
        assert reader.set_aside(world.store, "orders") == {"amount not null": 1}
    found = verify(world.store, "orders")
    assert (found.problems, found.read, found.loaded, found.quarantined) == ([], 1504, 1400, 2)


@pytest.mark.parametrize("paginate", [{"kind": "page_number", "total": "total_pages"}, {"kind": "auto"}], ids=str)
def test_a_source_that_shrinks_within_a_pass_is_read_again(world: World, paginate: dict) -> None:
    """What was read of it before counts never, so what vanished meanwhile is not seen."""
    shrunk = orders(900, 201)

    def pages(asked: Asked) -> Response:
        if asked.query.get("page") == "8":
            world.api.records = shrunk
        page, total = int(asked.query.get("page", "1")), -(-len(world.api.records) // 100)
        return ok({"data": world.api.records[100 * page - 100 : 100 * page], "total_pages": total})

    world.stream, world.api.pages = stream_of(load="replace", source={"cursor": None, "paginate": paginate}), pages
    passed(world, orders(300))
    passed(world, orders(1200))
    assert sees(world) == numbers(shrunk)
    assert verify(world.store, "orders").problems == []


def test_a_place_that_is_gone_has_the_pass_begin_again(world: World) -> None:
    passed(world, orders(300))
    stopped_in_the_middle(world)
    world.api.records = orders(700, 101)
    place_is_gone(world)
    world.run()
    assert sees(world) == numbers(orders(700, 101))
    assert verify(world.store, "orders").problems == []


def test_a_pass_whose_question_has_become_wrong_begins_again_with_the_new_one(world: World) -> None:
    passed(world, orders(300))
    stopped_in_the_middle(world)
    world.api.records = orders(1000, 101)
    world.api.fault = lambda target: None if "v=2" in target else (404, {}, b"which version?")
    with pytest.raises(ApiRefused):
        world.run()
    assert sees(world) == numbers(orders(300))
    world.stream = stream_of(load="replace", source={"cursor": None, "params": {"v": 2}})
    world.run()
    assert sees(world) == numbers(orders(1000, 101))
    assert verify(world.store, "orders").problems == []


def test_an_empty_pass_empties_the_stream_once_and_says_so(world: World, caplog: pytest.LogCaptureFixture) -> None:
    passed(world, orders(1200))
    with caplog.at_level(logging.WARNING):
        [commit] = passed(world, [])
    assert commit.header.accounts == Accounts()
    assert "from commit 0-000000000004 on the stream is empty" in caplog.text
    assert "read as of commit 0-000000000003" in caplog.text
    assert (passed(world, []), sees(world)) == ([], [])
    assert query(world.store, "select count(*) from orders_current")[1] == [(0,)]
    assert sees(world, "0-000000000003") == numbers(orders(1200))
    passed(world, orders(10))
    assert sees(world) == numbers(orders(10))
    assert len(passed(world, [])) == 1


def test_a_source_that_never_had_a_record_is_asked_and_nobody_is_warned(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    config, suite = ApiConfig(base_url=world.api.url, private_networks=LOCAL), load_suite(world.suites, "orders")
    assert trial(world.stream, suite, config, 100, world.clock) is None
    assert [len(passed(world, [])), len(passed(world, [])), read(world.store, "orders").num_rows] == [1, 0, 0]
    assert query(world.store, "select count(*) from orders")[1] == [(0,)]
    assert caplog.text == ""


def test_the_past_is_the_snapshot_that_counted_then(world: World) -> None:
    for first in (1, 101, 201):
        passed(world, orders(700, first))
    for moment in ("0-000000000002", "0-000000000003", "2027-01-02T12:00:00Z"):
        assert sees(world, moment) == numbers(orders(700, 1)), moment
    assert sees(world, "0-000000000004") == numbers(orders(700, 101))
    assert sees(world, "0-000000000001") == sees(world, "2026-01-01") == []


def test_an_event_tells_which_commits_count(world: World) -> None:
    passed(world, orders(300))
    made = passed(world, orders(700))
    told = [events_of(commit)[0].data["snapshot"] for commit in made]
    assert told == [{"first": 1, "last": 1, "begun": 2}, {"first": 2, "last": 3}]


def test_a_key_that_is_changed_by_the_command_leaves_the_snapshot_as_it_is(world: World) -> None:
    passed(world, orders(300))
    stopped_in_the_middle(world)
    changed_over(world, key=["id", "amount"], **REPLACED)
    assert sees(world) == numbers(orders(1200))
    passed(world, orders(300, 101))
    assert (sees(world), verify(world.store, "orders").problems) == (numbers(orders(300, 101)), [])


def test_a_look_back_holds_only_the_snapshot_that_counts_against_the_suite(world: World) -> None:
    passed(world, orders(700))
    passed(world, orders(600, 101))
    stopped_in_the_middle(world)
    assert [str(commit) for commit in reader.counting_first(world.store, "orders")] == [
        "0-000000000004",
        "0-000000000003",
    ]


def test_a_plain_glob_is_offered_for_no_stream_that_is_replaced(world: World) -> None:
    passed(world, orders(10))
    assert reader.glob(world.store, "orders") is None


def test_an_older_version_is_kept_from_reading_every_snapshot_there_was(world: World) -> None:
    assert [commit.format for commit in passed(world, orders(10))] == [FORMAT_OF_SNAPSHOTS]
    world.stream = stream_of(name="others", suite="orders")
    assert [commit.format for commit in passed(world, orders(10))] == [FORMAT]


def test_a_pass_over_a_source_that_is_busy_changes_nothing(world: World) -> None:
    passed(world, orders(300))
    world.api.fault = lambda _: (503, {}, b"")
    with pytest.raises(ApiBusy):
        passed(world, [])
    assert sees(world) == numbers(orders(300))


def test_what_is_no_whole_each_time_is_not_replaced() -> None:
    with pytest.raises(ValidationError, match="only an API without a cursor brings everything each time"):
        stream_of(load="replace")
    with pytest.raises(ValidationError, match="only an API without a cursor"):
        posted_stream(load="replace")
    with pytest.raises(ValidationError, match="what lay behind it would vanish"):
        stream_of(load="replace", source={"cursor": None, "errors": [{"status": 422, "then": "quarantine"}]})
