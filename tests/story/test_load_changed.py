"""A stream's `load` may be changed at any time: a pass ends as it was begun, and the next one goes by the file."""

import pytest

from datastream.lake.verify import verify
from datastream.records import Accounts
from tests.conftest import World, orders, stream_of
from tests.story.snapshots import APPENDED, REPLACED, numbers, passed, place_is_gone, sees, stopped_in_the_middle


@pytest.fixture
def world(mirrored: World) -> World:
    return mirrored


def test_more_passes_append_when_the_file_says_so_and_none_is_lost_or_doubled(world: World) -> None:
    passed(world, orders(300))
    passed(world, orders(300, 101))
    world.stream = stream_of(**APPENDED)
    made = passed(world, orders(300, 51))
    assert [commit.header.accounts for commit in made] == [Accounts(read=300, loaded=50, duplicates=250)]
    assert sees(world) == list(range(51, 401))
    world.stream = stream_of(**REPLACED)
    passed(world, orders(10))
    assert (sees(world), verify(world.store, "orders").problems) == (numbers(orders(10)), [])


def test_a_stream_that_was_appended_to_is_replaced_by_the_next_pass(world: World) -> None:
    world.stream = stream_of(**APPENDED)
    for first in (1, 101):
        passed(world, orders(600, first))
    world.stream = stream_of(**REPLACED)
    assert sees(world) == list(range(1, 701))
    passed(world, orders(600, 301))
    assert sees(world) == numbers(orders(600, 301))
    assert sees(world, "2027-01-03T12:00:00Z") == list(range(1, 701))
    assert verify(world.store, "orders").problems == []


@pytest.mark.parametrize(("before", "after"), [(REPLACED, APPENDED), (APPENDED, REPLACED)], ids=["append", "replace"])
def test_a_pass_ends_as_it_was_begun_whatever_the_file_says_by_then(world: World, before: dict, after: dict) -> None:
    world.stream = stream_of(**before)
    passed(world, orders(50, 5001))
    stopped_in_the_middle(world)
    world.stream = stream_of(**after)
    world.run()
    first = numbers(orders(1200)) if before is REPLACED else [*numbers(orders(1200)), *range(5001, 5051)]
    assert sees(world) == first
    passed(world, orders(50, 7001))
    then = [*first, *range(7001, 7051)] if after is APPENDED else [*range(7001, 7051)]
    assert (sees(world), verify(world.store, "orders").problems) == (then, [])


def test_a_pass_that_has_to_begin_again_stays_one_whatever_the_file_says_by_then(world: World) -> None:
    passed(world, orders(300))
    stopped_in_the_middle(world)
    world.stream = stream_of(**APPENDED)
    world.api.records = orders(700, 101)
    place_is_gone(world)
    world.run()
    assert sees(world) == numbers(orders(700, 101))
    assert verify(world.store, "orders").problems == []


def test_a_source_that_was_empty_while_it_was_appended_empties_the_stream_once_it_is_replaced(world: World) -> None:
    world.stream = stream_of(**APPENDED)
    stopped_in_the_middle(world)
    world.api.records = []
    world.api.pages = lambda asked: (410, {}, b"") if asked.query.get("page", "1") != "1" else world.api._pages({})
    world.run()
    assert sees(world) == list(range(1, 501))
    world.stream = stream_of(**REPLACED)
    assert (len(world.run()), sees(world)) == (1, [])
