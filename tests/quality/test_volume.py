"""What is usual of a stream is learned from healthy windows, and what is not usual is found, without false alarms."""

from datetime import datetime, timedelta

import pytest

from datastream.catalog import Volume
from datastream.quality.buckets import Sums
from datastream.quality.figures import Figures, Unhealthy
from datastream.quality.volume import volume
from tests.quality.weeks import DAY, HOUR, MONDAY, checked, figures_of

NOW = MONDAY + 30 * DAY


def days(*loaded: int, **of: bool) -> Figures:
    """Return one commit a day, newest first, at noon."""
    figures = Figures(window=DAY, **of)
    for day, count in enumerate(loaded):
        figures.add(NOW - day * DAY - DAY / 2, Sums(count, count))
    return figures


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
    assert volume(days(100, 500), NOW, Volume(**bounds), []).result == result


def test_a_volume_of_nothing_is_too_little() -> None:
    check = volume(Figures(window=DAY), NOW, Volume(least=1, most=2), [])
    assert (check.observed, check.expected) == ("0 rows loaded in 1 d", "at least 1, at most 2")
    assert check.result == "not met"


def test_a_stream_that_began_within_the_window_has_not_too_little_yet() -> None:
    figures = Figures(window=DAY)
    figures.add(NOW - 2 * HOUR, Sums(5, 5))
    assert volume(figures, NOW, Volume(least=9), []).result == "not judged"
    assert volume(figures, NOW, Volume(most=4), []).result == "not met"
    assert volume(figures, NOW + DAY, Volume(least=9), []).result == "not met"


def test_a_window_of_more_days_than_hours_are_kept_is_made_of_days_at_once() -> None:
    figures = days(*[100] * 95)
    figures.trim(NOW)
    figures.use(90 * DAY)
    assert volume(figures, NOW, Volume(window=90 * DAY, least=8900), []).result == "met"


def test_a_clock_that_is_ahead_of_ours_makes_no_volume_less() -> None:
    figures = Figures(window=DAY)
    figures.add(NOW + HOUR, Sums(5, 5))
    assert volume(figures, NOW, Volume(least=5), []).result == "met"


def test_the_usual_volume_is_told_once_three_windows_are_whole() -> None:
    """The window in which the stream began is no whole one, and the last one is what is compared."""
    assert "median" not in volume(days(100, 10, 20, 30), NOW, Volume(), []).observed
    check = volume(days(100, 10, 20, 30, 5), NOW, Volume(), [])
    assert check.observed == "100 rows loaded in 1 d; 20 is the median of the 3 windows before"


def test_a_window_without_a_commit_counts_as_none() -> None:
    figures = Figures(window=DAY)
    for day, count in ((0, 100), (3, 30), (4, 5)):
        figures.add(NOW - day * DAY - HOUR, Sums(count, count))
    assert "0 is the median of the 3 windows before" in volume(figures, NOW, Volume(), []).observed


def test_nothing_is_judged_before_seven_windows_of_a_week() -> None:
    assert volume(days(1, *[100] * 7), NOW, Volume(), []).result == "not judged"
    check = volume(days(1, *[100] * 8), NOW, Volume(), [])
    assert (check.result, check.low, check.high) == ("not met", 50, 150), "of a hundred chance alone makes fifty more"


def test_what_comes_now_and_then_has_no_usual_number() -> None:
    figures = days(*[0] * 30)
    figures.add(NOW - 3 * HOUR, Sums(500, 500))
    assert volume(figures, NOW, Volume(), []).result == "not judged"


def test_a_file_may_ask_for_nothing_to_be_learned() -> None:
    assert volume(days(1, *[100] * 9), NOW, Volume(), [], learned=False).result == "not judged"


def test_another_window_is_learned_at_once_from_the_hours_that_are_kept() -> None:
    figures = days(*[100] * 20)
    for day in range(20):
        figures.add(NOW - day * DAY - 13 * HOUR, Sums(100, 100))
    figures.use(timedelta(hours=12))
    assert volume(figures, NOW, Volume(window=timedelta(hours=12)), []).result == "met"


def test_windows_that_are_not_made_of_whole_hours_are_told_and_not_judged() -> None:
    figures = days(*[100] * 20)
    figures.use(timedelta(minutes=90))
    assert volume(figures, NOW, Volume(window=timedelta(minutes=90)), []).result == "not judged"


def test_the_volume_of_a_stream_that_is_replaced_is_that_of_its_last_snapshot() -> None:
    figures = days(*[3000] * 9, gauge=True)
    assert volume(figures, NOW, Volume(least=2000), []).observed.startswith("3,000 rows in the last snapshot")
    figures.add(NOW - HOUR / 2, Sums(1400, 1400))
    assert volume(figures, NOW, Volume(least=2000), []).result == "not met"
    assert volume(figures, NOW, Volume(), []).result == "not met", "half of it is gone"
    assert volume(Figures(window=DAY, gauge=True), NOW, Volume(least=1), []).result == "not judged"


def test_a_day_without_a_snapshot_is_no_day_with_an_empty_one() -> None:
    figures = days(*[3000] * 20, gauge=True)
    assert volume(figures, NOW + DAY, Volume(), []).result == "met"


def test_weeks_of_days_nights_and_weekends_raise_less_than_one_false_alarm_in_a_thousand() -> None:
    runs = [check for seed in range(4) for check in checked(60, every=8, seed=seed, noise=0.2)]
    odd = [check for check in runs if check.result == "not met"]
    assert len(runs) == 720
    assert odd == []
    assert sum(check.result == "met" for check in runs) > 600


def test_the_first_weekend_is_not_odd_nor_is_the_second() -> None:
    for begun in range(7):
        late = MONDAY + begun * DAY
        found = checked(28, every=24, rows=lambda at, rows, late=late: rows if at >= late else None)
        assert {check.result for check in found} == {"met", "not judged"}


def test_a_tuesday_like_a_sunday_is_found_on_wednesday_and_teaches_nothing() -> None:
    tuesday = MONDAY + 15 * DAY
    unhealthy: list[Unhealthy] = []
    found = checked(
        24, every=24, rows=lambda at, n: n // 5 if tuesday <= at < tuesday + DAY else n, unhealthy=unhealthy
    )
    odd = [day for day, check in enumerate(found) if check.result == "not met"]
    assert odd == [15]
    assert [(each.since, each.until) for each in unhealthy] == [(tuesday, tuesday + DAY)]


def test_a_week_without_rows_does_not_become_usual() -> None:
    """What elementary's users ask for: training data that an incident has spoilt is left out."""
    outage = MONDAY + 21 * DAY
    found = checked(42, every=24, rows=lambda at, n: 0 if outage <= at < outage + 10 * DAY else n)
    assert [check.result for check in found[21:31]] == ["not met"] * 10
    assert {check.result for check in found[31:]} == {"met"}


def test_with_four_weeks_a_sunday_like_a_tuesday_is_found() -> None:
    sunday = MONDAY + 34 * DAY

    def busy(at: datetime, rows: int) -> int:
        return rows * 5 if sunday <= at < sunday + DAY else rows

    found = checked(36, every=24, rows=busy)
    assert [day for day, check in enumerate(found) if check.result == "not met"] == [34]


def test_with_four_weeks_a_stop_at_noon_is_found_before_the_day_is_over() -> None:
    noon = MONDAY + 36 * DAY + 8 * HOUR
    for now, figures in figures_of(37, rows=lambda at, n: 0 if at >= noon else n):
        if now > noon and volume(figures, now, Volume(), []).result == "not met":
            break
    assert now - noon <= 4 * HOUR
