"""When to ask for a load: enough waits, and nobody is there who would take it."""

from datetime import timedelta

from deployments.keeper.pacing import Asked, wanted

QUIET = timedelta(minutes=5)


def test_a_load_is_asked_for_once_enough_waits_and_not_before() -> None:
    assert not wanted(999, 1000, 0, 1, None, QUIET)
    assert wanted(1000, 1000, 0, 1, None, QUIET)


def test_while_a_run_is_under_way_none_is_asked_for() -> None:
    assert not wanted(5000, 1000, 1, 1, None, QUIET)


def test_a_stream_of_several_lanes_may_have_a_run_for_each() -> None:
    assert wanted(5000, 1000, 3, 4, None, QUIET)
    assert not wanted(5000, 1000, 4, 4, None, QUIET)


def test_what_was_asked_for_is_not_asked_for_again_until_it_is_answered() -> None:
    assert not wanted(1000, 1000, 0, 1, Asked(timedelta(seconds=1), answered=False), QUIET)
    assert wanted(1000, 1000, 0, 1, Asked(timedelta(seconds=1), answered=True), QUIET)


def test_after_a_run_that_failed_it_is_asked_again_when_the_streams_interval_is_over() -> None:
    assert not wanted(1000, 1000, 0, 1, Asked(QUIET - timedelta(seconds=1), answered=False), QUIET)
    assert wanted(1000, 1000, 0, 1, Asked(QUIET, answered=False), QUIET)
