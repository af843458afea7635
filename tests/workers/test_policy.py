"""How many workers there are to be: only what lasts moves the number, and nothing moves it out of its bounds."""

from datetime import timedelta

import pytest

from deployments.workers.policy import BoundsWrong, Scale, ScalingPolicy, scaled

POLICY = ScalingPolicy(least=3, most=10, grows_after=timedelta(seconds=10), shrinks_after=timedelta(minutes=5))
MANY, NONE = 40, 0


def after(scale: Scale, *looks: tuple[float, int | None], policy: ScalingPolicy = POLICY) -> Scale:
    """Look at these moments, and see so many runs."""
    for now, runs in looks:
        scale = scaled(policy, scale, runs, now)
    return scale


def test_it_grows_when_more_is_asked_for_all_the_while_and_never_beyond_the_most() -> None:
    assert after(Scale(3), (0, MANY), (9, MANY)).workers == 3
    assert after(Scale(3), (0, MANY), (10, MANY)).workers == 10


def test_it_grows_as_far_as_was_needed_all_the_while() -> None:
    assert after(Scale(3), (0, MANY), (5, 4), (10, MANY)).workers == 4


def test_it_shrinks_when_fewer_are_enough_all_the_while_and_never_below_the_least() -> None:
    assert after(Scale(10), (0, NONE), (299, NONE)).workers == 10
    assert after(Scale(10), (0, NONE), (300, NONE)).workers == 3


def test_it_shrinks_as_far_as_was_enough_all_the_while() -> None:
    assert after(Scale(10), (0, NONE), (150, 7), (300, NONE)).workers == 7


def test_a_need_that_comes_and_goes_moves_nothing() -> None:
    flapping = [(float(second), MANY if second % 8 < 4 else NONE) for second in range(0, 3600, 4)]
    assert after(Scale(6), *flapping).workers == 6


def test_a_moment_that_is_busy_begins_the_wait_before_shrinking_anew() -> None:
    scale = after(Scale(10), (0, NONE), (200, 10), (201, NONE), (500, NONE))
    assert scale.workers == 10
    assert after(scale, (501, NONE)).workers == 3


def test_after_a_change_the_wait_begins_anew() -> None:
    scale = after(Scale(3), (0, 5), (10, 5), (11, MANY))
    assert scale.workers == 5
    assert after(scale, (20, MANY)).workers == 5
    assert after(scale, (21, MANY)).workers == 10


def test_what_is_not_known_keeps_the_number_and_begins_the_wait_anew() -> None:
    scale = after(Scale(5), (0, NONE), (100, None), (100_000, None))
    assert scale == Scale(5)
    assert after(scale, (100_001, NONE), (100_300, NONE)).workers == 5
    assert after(scale, (100_001, NONE), (100_301, NONE)).workers == 3


def test_a_clock_that_goes_back_begins_the_wait_anew_and_holds_nothing_up_for_longer() -> None:
    scale = after(Scale(3), (1000, MANY), (5, MANY))
    assert scale.workers == 3
    assert after(scale, (15, MANY)).workers == 10


@pytest.mark.parametrize(("runs", "workers"), [(0, 3), (3, 3), (12, 3), (13, 4), (40, 10), (1_000_000, 10)])
def test_the_need_is_what_so_many_runs_keep_busy(runs: int, workers: int) -> None:
    assert ScalingPolicy(runs_each=4).need(runs) == workers


@pytest.mark.parametrize(
    ("bounds", "way_out"), [((4, 3, 1), "--max"), ((0, 3, 1), "--min"), ((-1, -1, 1), "--min"), ((3, 10, 0), "--limit")]
)
def test_bounds_that_cannot_be_are_refused(bounds: tuple[int, int, int], way_out: str) -> None:
    with pytest.raises(BoundsWrong, match=way_out):
        ScalingPolicy(*bounds)
