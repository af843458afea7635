"""Checks judge what the stream file expects, and tell the rest; each is a sentence with its figures."""

from datetime import timedelta

import pytest

from datastream.catalog import Volume
from datastream.clock import ManualClock
from datastream.quality.checks import Check, Load, columns, freshness, quarantined, shown, told, volume

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOW = ManualClock().now()
COLUMNS = {"id": "int64", "at": "timestamp[us, tz=UTC]", "amount": "int64"}


def days(*loaded: int, aside: int = 0) -> list[Load]:
    """Return one commit a day, newest first, an hour after its day began."""
    return [Load(NOW - day * DAY - HOUR, count, aside) for day, count in enumerate(loaded)]


def test_rows_that_were_loaded_in_time_are_fresh() -> None:
    clock = ManualClock()
    loaded = clock.now()
    clock.advance(timedelta(minutes=59))
    check = freshness(loaded, "2025-12-31", clock.now(), HOUR)
    assert (check.result, check.expected) == ("met", "at most 1 h ago")
    assert check.observed == "rows were loaded 59 min ago, at 2026-01-01T00:00:00Z; the newest record is of 2025-12-31"
    clock.advance(timedelta(minutes=2))
    assert freshness(loaded, None, clock.now(), HOUR).result == "not met"


def test_freshness_that_nobody_expects_is_told() -> None:
    assert freshness(NOW - 400 * DAY, None, NOW, None) == Check(
        "freshness", "rows were loaded 400 d ago, at 2024-11-27T00:00:00Z", "", "not judged"
    )


def test_what_was_never_loaded_is_not_fresh() -> None:
    assert freshness(None, None, NOW, HOUR).result == "not met"
    assert freshness(None, None, NOW, None).result == "not judged"


def test_a_clock_that_is_ahead_of_ours_makes_nothing_stale() -> None:
    assert "loaded 0 s ago" in freshness(NOW + HOUR, None, NOW, HOUR).observed
    assert volume([Load(NOW + HOUR, 5, 0)], NOW, Volume(least=5)).result == "met"


@pytest.mark.parametrize(
    ("bounds", "result"),
    [
        ({}, "not judged"),
        ({"least": 100}, "met"),
        ({"least": 101}, "not met"),
        ({"most": 100}, "met"),
        ({"most": 99}, "not met"),
        ({"least": 0, "most": 0}, "not met"),
    ],
)
def test_volume_is_held_against_its_bounds(bounds: dict, result: str) -> None:
    assert volume(days(100, 500), NOW, Volume(**bounds)).result == result


def test_a_volume_of_nothing_is_too_little() -> None:
    check = volume([], NOW, Volume(least=1, most=2))
    assert (check.observed, check.expected) == ("0 rows loaded in 1 d", "at least 1, at most 2")
    assert check.result == "not met"


def test_the_usual_volume_is_told_once_three_windows_are_whole() -> None:
    """The window in which the stream began is no whole one."""
    assert "median" not in volume(days(100, 10, 20, 30), NOW, Volume()).observed
    check = volume(days(100, 10, 20, 30, 5), NOW, Volume())
    assert check.observed == "100 rows loaded in 1 d; 20 is the median of the 3 windows before"


def test_a_window_without_a_commit_counts_as_none() -> None:
    loads = [load for load in days(100, 0, 0, 30, 5) if load.loaded]
    assert "0 is the median of the 3 windows before" in volume(loads, NOW, Volume()).observed


def test_what_is_older_than_seven_windows_is_not_usual() -> None:
    assert "the median of the 7 windows before" in volume(days(*range(100, 120)), NOW, Volume()).observed


def test_the_share_set_aside_is_held_against_its_bound() -> None:
    loads = days(90, 95, 95, 95, 1, aside=5)
    check = quarantined(loads, NOW, DAY, 0.05)
    assert check.observed == "5.26% of the rows of 1 d; 5.00% is the median of the 3 windows before"
    assert (check.expected, check.result) == ("at most 5.00%", "not met")
    assert quarantined(loads, NOW, DAY, 0.06).result == "met"
    assert quarantined(loads, NOW, DAY, None).result == "not judged"


def test_of_no_rows_there_is_no_share() -> None:
    assert quarantined([], NOW, DAY, 0.0) == Check("quarantined", "no row came in 1 d", "at most 0.00%", "not judged")


def test_columns_that_are_new_lost_or_of_another_type_are_named() -> None:
    now = {"id": "string", "at": COLUMNS["at"], "note": "string"}
    check = columns(now, COLUMNS, "0-000000000004", fixed=True)
    assert check.observed == "new: note (string); lost: amount (int64); retyped: id (int64 to string)"
    assert (check.expected, check.result) == ("those of commit 0-000000000004", "not met")
    assert columns(now, COLUMNS, "0-000000000004", fixed=False).result == "not judged"


def test_the_same_columns_are_met_only_where_they_are_fixed() -> None:
    assert columns(COLUMNS, COLUMNS, "0-1", fixed=True).result == "met"
    assert columns(COLUMNS, COLUMNS, "0-1", fixed=False).observed == "3 columns, as in commit 0-1"


@pytest.mark.parametrize(("now", "before"), [({}, {}), (COLUMNS, {})])
def test_one_commit_has_no_columns_to_be_compared_with(now: dict, before: dict) -> None:
    assert columns(now, before, "", fixed=True).result == "not judged"


def test_many_columns_are_counted_and_their_names_speak_to_no_terminal() -> None:
    check = columns({f"\x1b[31mc{n}": "int64" for n in range(20)}, COLUMNS, "0-1", fixed=False)
    assert "c7 (int64) and 12 more" in check.observed
    assert "\x1b" not in check.observed


def test_the_checks_together_are_a_sentence_with_the_way_out() -> None:
    met, unjudged = Check("volume", "5 rows", "at least 1", "met"), Check("schema", "3 columns", "", "not judged")
    missed = Check("freshness", "3 h ago", "at most 1 h ago", "not met")
    assert told("orders", [met, unjudged]) == "Checks of 'orders': 1 met, 1 not judged."
    assert "that are not met: freshness: 3 h ago (expected: at most 1 h ago)." in told("orders", [met, missed])
    assert "`quality` in streams/orders.yaml" in told("orders", [missed])
    assert "expects nothing under `quality`" in told("orders", [unjudged])


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3600, "1 h"), (86_400 + 300, "1 d"), (90_061, "1 d 1 h")],
)
def test_a_duration_is_shown_in_its_two_greatest_units(seconds: int, text: str) -> None:
    assert shown(timedelta(seconds=seconds)) == text
