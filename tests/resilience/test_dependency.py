"""Retries and the breaker work as one: a failure is a call that failed in spite of its retries."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from datastream.clock import ManualClock
from datastream.errors import Transient
from datastream.resilience import DEFAULT, BreakerOpen, BreakerStates, Dependency, MemoryStates
from tests.resilience.flaky import Flaky, failing


@pytest.fixture
def states() -> BreakerStates:
    return MemoryStates()


@pytest.fixture
def dependency(states: BreakerStates, clock: ManualClock) -> Dependency:
    return Dependency("lake", DEFAULT, states, clock)


def fail(dependency: Dependency, times: int, action: Callable[[], str] | None = None) -> None:
    for _ in range(times):
        with pytest.raises(Transient):
            dependency.call(action or failing())


def test_a_call_is_tried_three_times_and_fails_once(dependency: Dependency) -> None:
    action = failing()
    fail(dependency, DEFAULT.failures, action)
    assert action.calls == DEFAULT.failures * 3
    with pytest.raises(BreakerOpen):
        dependency.call(action)
    assert action.calls == DEFAULT.failures * 3


def test_a_short_outage_that_many_threads_meet_is_bridged_by_their_retries(
    dependency: Dependency, states: BreakerStates
) -> None:
    together = Barrier(8)

    def call(_: int) -> str:
        blip = [True]

        def action() -> str:
            if blip:
                blip.clear()
                together.wait()
                raise Transient("it restarts")
            return "answer"

        return dependency.call(action)

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(call, range(8))) == {"answer"}
    assert states.all() == {}


def test_no_retry_goes_out_after_it_has_opened(dependency: Dependency) -> None:
    """Others fail while this call waits for its second attempt."""
    action = failing()

    def first() -> str:
        fail(dependency, DEFAULT.failures)
        return action()

    with pytest.raises(BreakerOpen):
        dependency.call(first)
    assert action.calls == 1


def test_a_probe_is_one_attempt(dependency: Dependency, clock: ManualClock) -> None:
    fail(dependency, DEFAULT.failures)
    clock.advance(DEFAULT.rest)
    probe = failing()
    fail(dependency, 1, probe)
    assert probe.calls == 1


def test_a_breaker_that_is_open_is_not_waited_for(dependency: Dependency, clock: ManualClock) -> None:
    fail(dependency, DEFAULT.failures)
    began = clock.monotonic()
    with pytest.raises(BreakerOpen):
        dependency.call(Flaky())
    assert clock.monotonic() == began


def test_who_calls_through_another_dependency_is_not_blamed_and_does_not_try_again(
    dependency: Dependency, states: BreakerStates, clock: ManualClock
) -> None:
    outer, action = Dependency("outer", DEFAULT, states, clock), failing()
    fail(outer, 2, lambda: dependency.call(action))
    assert action.calls == 6
    assert set(states.all()) == {"lake"}


def test_success_after_a_retry_counts_as_success(dependency: Dependency, states: BreakerStates) -> None:
    fail(dependency, DEFAULT.failures - 1)
    dependency.call(failing(2))
    assert states.all() == {}


def test_its_waits_are_taken_from_the_clock(dependency: Dependency, clock: ManualClock) -> None:
    dependency.call(failing(1))
    assert timedelta(seconds=1) <= clock.slept[0] <= timedelta(seconds=1.25)
