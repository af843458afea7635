"""Only what may pass is tried again, with growing waits, not without end, and not by two policies."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from datastream.clock import ManualClock
from datastream.errors import Permanent, Transient
from datastream.resilience import RetryPolicy
from tests.resilience.flaky import Flaky, failing


class Other(Transient):
    """What a client makes of another client's error."""


def waits(clock: ManualClock) -> list[float]:
    return [wait.total_seconds() for wait in clock.slept]


def test_what_passes_is_tried_again_after_growing_waits() -> None:
    clock, action = ManualClock(), failing(2)
    assert RetryPolicy().call(action, clock=clock, chance=lambda: 0.0) == "answer"
    assert waits(clock) == [1, 2]


def test_attempts_begin_at_0_1_and_3_seconds() -> None:
    clock, action, began = ManualClock(), failing(), []

    def attempt() -> str:
        began.append(clock.monotonic())
        return action()

    with pytest.raises(Transient, match="fault 3"):
        RetryPolicy().call(attempt, clock=clock, chance=lambda: 0.0)
    assert began == [0, 1, 3]


def test_a_permanent_error_is_not_tried_again() -> None:
    clock, action = ManualClock(), Flaky(Permanent("no"))
    with pytest.raises(Permanent):
        RetryPolicy().call(action, clock=clock)
    assert (action.calls, clock.slept) == (1, [])


def test_an_error_that_nobody_foresaw_is_not_tried_again() -> None:
    action = Flaky(ValueError("bug"))
    with pytest.raises(ValueError, match="bug"):
        RetryPolicy().call(action, clock=ManualClock())
    assert action.calls == 1


def test_chance_lengthens_a_wait_by_a_quarter_at_most() -> None:
    clock = ManualClock()
    RetryPolicy().call(failing(1), clock=clock, chance=lambda: 1.0)
    assert waits(clock) == [1.25]


def test_a_longer_wait_that_is_asked_for_is_kept() -> None:
    clock = ManualClock()
    RetryPolicy().call(Flaky(Transient("1", retry_after=timedelta(seconds=30))), clock=clock)
    assert waits(clock) == [30]


def test_a_wait_beyond_our_budget_is_not_begun() -> None:
    clock, action = ManualClock(), Flaky(Transient("1", retry_after=timedelta(hours=1)))
    with pytest.raises(Transient):
        RetryPolicy().call(action, clock=clock)
    assert (action.calls, clock.slept) == (1, [])


def test_attempts_count_against_the_budget_as_waits_do() -> None:
    """Two attempts of a minute each: a third one would begin too late."""
    clock, action = ManualClock(), failing()

    def slow() -> str:
        clock.advance(timedelta(seconds=60))
        return action()

    with pytest.raises(Transient, match="fault 2"):
        RetryPolicy(budget=timedelta(minutes=2)).call(slow, clock=clock)
    assert clock.monotonic() < 122


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_retries_do_not_multiply_however_calls_nest(depth: int) -> None:
    clock, action = ManualClock(), failing()
    call = action
    for _ in range(depth):
        call = lambda inner=call: RetryPolicy().call(inner, clock=clock)  # noqa: E731
    with pytest.raises(Transient, match="fault 3"):
        call()
    assert action.calls == 3


def test_retries_do_not_multiply_across_threads_and_wrapped_errors() -> None:
    clock, action = ManualClock(), failing()

    def wrapped() -> str:
        with ThreadPoolExecutor(1) as thread:
            try:
                return thread.submit(RetryPolicy().call, action, clock=clock).result()
            except Transient as error:
                raise Other("could not be stored") from error

    with pytest.raises(Other):
        RetryPolicy().call(wrapped, clock=clock)
    assert action.calls == 3
