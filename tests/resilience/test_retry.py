"""Only what may pass is tried again, with growing waits, and not without end."""

from datetime import timedelta

import pytest

from datastream.clock import ManualClock
from datastream.errors import Permanent, Transient
from datastream.resilience import RetryPolicy


class Flaky:
    """Fails with each of `errors` in turn, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.calls = list(errors), 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def waits(clock: ManualClock) -> list[float]:
    return [wait.total_seconds() for wait in clock.slept]


def test_what_passes_is_tried_again_after_growing_waits() -> None:
    clock, action = ManualClock(), Flaky(Transient("1"), Transient("2"))
    assert RetryPolicy().call(action, clock=clock, chance=lambda: 0.0) == "answer"
    assert waits(clock) == [1, 2]


def test_the_last_error_is_raised_after_three_attempts() -> None:
    clock, action = ManualClock(), Flaky(*(Transient(str(n)) for n in range(9)))
    with pytest.raises(Transient, match="2"):
        RetryPolicy().call(action, clock=clock)
    assert action.calls == 3


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
    RetryPolicy().call(Flaky(Transient("1")), clock=clock, chance=lambda: 1.0)
    assert waits(clock) == [1.25]


def test_a_longer_wait_that_is_asked_for_is_kept() -> None:
    clock = ManualClock()
    RetryPolicy().call(Flaky(Transient("1", retry_after=timedelta(seconds=30))), clock=clock)
    assert waits(clock) == [30]


def test_a_wait_beyond_our_patience_is_not_begun() -> None:
    clock, action = ManualClock(), Flaky(Transient("1", retry_after=timedelta(hours=1)))
    with pytest.raises(Transient):
        RetryPolicy().call(action, clock=clock)
    assert (action.calls, clock.slept) == (1, [])
