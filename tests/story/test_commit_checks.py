"""What the log of a real lake says to the checks of a stream."""

from datetime import timedelta

import pytest

from datastream.lake.reader import FileBroken
from datastream.quality.check import Check
from tests.conftest import World, order, orders, stream_of
from tests.looked import check_commits

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
QUALITY = {"fresh_within": "PT1H", "volume": {"least": 10}, "quarantined_at_most": 0.5, "schema": "fixed"}


def checked(world: World) -> dict[str, Check]:
    return {check.check: check for check in check_commits(world.stream, world.store, world.clock.now())}


@pytest.fixture
def judged(world: World) -> World:
    world.stream = stream_of(quality=QUALITY)
    return world


def test_a_stream_without_a_commit_is_neither_fresh_nor_enough(judged: World) -> None:
    results = {name: check.result for name, check in checked(judged).items() if check.result != "not judged"}
    assert results == {"freshness": "not met", "volume": "not met"}


def test_a_stream_that_was_just_loaded_meets_what_is_expected(judged: World) -> None:
    judged.api.records = [*orders(700), order(800, amount=None)]
    judged.run()
    found = checked(judged)
    assert {found[name].result for name in ("freshness", "volume", "quarantined")} == {"met"}
    assert "the newest record is of 2026-02-08T00:00:00" in found["freshness"].note
    assert found["volume"].observed == "700 rows loaded in 1 d"
    assert found["quarantined"].observed.startswith("0.14%")


def test_commits_that_load_no_row_keep_nothing_fresh(judged: World) -> None:
    judged.api.records = orders(20)
    judged.run()
    for _ in range(3):
        judged.clock.advance(5 * DAY)
        judged.run()
    found = checked(judged)
    assert (found["freshness"].result, found["volume"].result) == ("not met", "not met")
    assert "rows were loaded 15 d ago" in found["freshness"].observed


def test_the_last_window_is_compared_with_those_before(judged: World) -> None:
    for day in range(6):
        judged.api.records += orders(20, start=1 + 20 * day)
        judged.run()
        judged.clock.advance(DAY)
    assert "20 is the median of the 5 windows before" in checked(judged)["volume"].observed


def test_a_new_column_is_seen_for_as_long_as_the_window(judged: World) -> None:
    judged.api.records = orders(20)
    judged.run()
    judged.clock.advance(2 * DAY)
    for number in (21, 22):
        judged.api.records.append(order(number, gate="B4"))
        judged.run()
    assert checked(judged)["schema"].observed == "new: gate (string)"
    assert checked(judged)["schema"].result == "not met"
    judged.clock.advance(2 * DAY)
    judged.api.records.append(order(23))
    judged.run()
    assert checked(judged)["schema"].result == "met"


def test_a_missing_file_is_named_with_its_commit(world: World) -> None:
    world.api.records = orders(20)
    [commit] = world.run()
    world.store.delete(commit.files[0].key)
    with pytest.raises(FileBroken, match="of commit 0-000000000001 is missing"):
        checked(world)
