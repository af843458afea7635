"""Shares of what was set aside and of what was there already, against bounds and against the past."""

import numpy as np
import pytest

from datastream.quality.buckets import Sums
from datastream.quality.check import Check
from datastream.quality.figures import Figures, Unhealthy
from datastream.quality.shares import duplicates, quarantined
from tests.quality.weeks import DAY, HOUR, MONDAY

NOW = MONDAY + 30 * DAY


def days(*sums: Sums) -> Figures:
    figures = Figures(window=DAY)
    for day, each in enumerate(sums):
        figures.add(NOW - day * DAY - HOUR, each)
    return figures


def rows(aside: int, of: int = 100) -> Sums:
    return Sums(of - aside, of, aside)


def test_the_share_set_aside_is_held_against_its_bound() -> None:
    figures = days(rows(6), *[rows(5)] * 4)
    check = quarantined(figures, NOW, 0.05, [])
    assert check.observed == "6.00% of the rows of 1 d; 5.00% is the median of the 3 windows before"
    assert (check.expected, check.result) == ("at most 5.00%", "not met")
    assert quarantined(figures, NOW, 0.06, []).result == "met"
    assert quarantined(figures, NOW, None, []).result == "not judged"


def test_of_no_rows_there_is_no_share() -> None:
    figures = Figures(window=DAY)
    assert quarantined(figures, NOW, 0.0, []) == Check(
        "quarantined", "no row came in 1 d", "at most 0.00%", "not judged"
    )
    assert duplicates(figures, NOW, None, []).result == "not judged"


def test_a_share_that_never_was_is_odd_where_no_bound_is_named() -> None:
    usual = [rows(2)] * 8
    assert quarantined(days(rows(30), *usual), NOW, None, []).result == "not met"
    assert quarantined(days(rows(4), *usual), NOW, None, []).result == "met"
    assert quarantined(days(rows(30), *usual), NOW, None, [], learned=False).result == "not judged"


def test_bad_days_teach_nothing() -> None:
    figures = days(rows(30), rows(30), *[rows(2)] * 9)
    assert quarantined(figures, NOW, None, []).result == "met", "it was so the day before"
    yesterday = [Unhealthy("quarantined", "", NOW - 2 * DAY, NOW - DAY)]
    assert quarantined(figures, NOW, None, yesterday).result == "not met"


@pytest.mark.parametrize(("of", "share"), [(400, 0.02), (10, 0.03), (5, 0.3)])
def test_chance_alone_is_not_odd(of: int, share: float) -> None:
    """Nor is it in a stream of few rows, where a single one is a large share."""
    rng = np.random.default_rng(0)
    odd = 0
    for _ in range(1500):
        figures = days(*(rows(int(each), of) for each in rng.binomial(of, share, size=12)))
        odd += quarantined(figures, NOW, None, []).result == "not met"
    assert odd <= 1


def test_a_day_of_few_rows_of_which_half_is_bad_is_odd() -> None:
    assert quarantined(days(rows(12, 20), *[rows(0, 20)] * 9), NOW, None, []).result == "not met"


def test_duplicates_are_judged_by_a_bound_and_told_otherwise() -> None:
    figures = days(*[Sums(50, 100, 0, 50)] * 9)
    assert duplicates(figures, NOW, None, []).result == "not judged"
    assert "50.00% of what was read in 1 d; 50.00% is the median" in duplicates(figures, NOW, None, []).observed
    assert duplicates(figures, NOW, 0.4, []).result == "not met"
    assert duplicates(figures, NOW, 0.5, []).result == "met"
