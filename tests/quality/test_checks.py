"""Checks judge what the stream file expects, and tell the rest; each is a sentence with its figures."""

from datetime import datetime, timedelta

import pytest

from datastream.clock import ManualClock
from datastream.quality.check import Check, shown, told
from datastream.quality.checks import Schedule, Version, columns, freshness, records, schedule, schema

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOW = ManualClock().now()
COLUMNS = {"id": "int64", "at": "timestamp[us, tz=UTC]", "amount": "int64"}


def test_rows_that_were_loaded_in_time_are_fresh() -> None:
    clock = ManualClock()
    loaded = clock.now()
    clock.advance(timedelta(minutes=59))
    check = freshness(loaded, "2025-12-31", clock.now(), HOUR)
    assert (check.result, check.expected) == ("met", "at most 1 h ago")
    assert check.observed == "rows were loaded 59 min ago, at 2026-01-01T00:00:00Z"
    assert (check.note, check.value) == ("; the newest record is of 2025-12-31", 59 * 60)
    clock.advance(timedelta(minutes=2))
    assert freshness(loaded, None, clock.now(), HOUR).result == "not met"


def test_freshness_that_nobody_expects_is_told() -> None:
    check = freshness(NOW - 400 * DAY, None, NOW, None)
    assert check.observed == "rows were loaded 400 d ago, at 2024-11-27T00:00:00Z"
    assert (check.expected, check.result) == ("", "not judged")


def test_what_was_never_loaded_is_not_fresh() -> None:
    assert freshness(None, None, NOW, HOUR).result == "not met"
    assert freshness(None, None, NOW, None).result == "not judged"


def test_a_clock_that_is_ahead_of_ours_makes_nothing_stale() -> None:
    assert "loaded 0 s ago" in freshness(NOW + HOUR, None, NOW, HOUR).observed


def test_the_newest_record_is_judged_by_its_own_time() -> None:
    assert records(NOW - HOUR, NOW, HOUR).result == "met"
    assert records(NOW - HOUR, NOW, HOUR / 2).observed == "the newest record is 1 h old"
    assert records(NOW - HOUR, NOW, HOUR / 2).result == "not met"
    assert records(None, NOW, HOUR).result == "not judged"


def hourly(completed: datetime | None, since: datetime | None = None) -> Schedule:
    return Schedule("every 1 h", 3 * HOUR, completed, since)


def test_a_schedule_is_late_after_three_intervals_without_a_run() -> None:
    assert schedule(hourly(NOW - 3 * HOUR), None, NOW).result == "met"
    late = schedule(hourly(NOW - 3.1 * HOUR), None, NOW)
    assert (late.result, late.expected) == ("not met", "every 1 h, at most 3 h ago")
    assert schedule(hourly(None, since=NOW - DAY), None, NOW).result == "not met"
    assert schedule(hourly(None, since=NOW - HOUR), None, NOW).result == "not judged"
    assert schedule(hourly(None), None, NOW).result == "not judged"


def test_a_schedule_that_was_changed_has_all_its_time_again() -> None:
    assert schedule(hourly(NOW - DAY), NOW - HOUR, NOW).result == "met"
    assert schedule(hourly(NOW - DAY), NOW - 4 * HOUR, NOW).result == "not met"
    assert schedule(hourly(None, since=NOW - DAY), NOW - HOUR, NOW).result == "not judged"


def test_columns_are_those_of_before_the_window_for_as_long_as_it_lasts() -> None:
    versions = [Version(NOW - 9 * DAY, "0-1", {"id": "int64"}), Version(NOW - HOUR, "0-2", COLUMNS)]
    assert schema(versions, "0-2", NOW - DAY, fixed=True).result == "not met"
    assert schema(versions, "0-2", NOW - HOUR / 2, fixed=True).result == "not judged", (
        "it is the only commit of its kind"
    )
    assert schema(versions, "0-3", NOW - HOUR / 2, fixed=True).result == "met"


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
