"""A dependency that keeps failing is left alone, by all threads and workers, and probed by one of them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

import pytest

from datastream.buffers.breakers import SharedStates
from datastream.clock import ManualClock
from datastream.errors import Permanent, Transient
from datastream.resilience import (
    DEFAULT,
    ENDPOINT,
    BreakerOpen,
    BreakerPolicy,
    BreakerStates,
    Dependency,
    RetryPolicy,
)
from deployments.stack.waiting import wait_until
from tests.resilience.flaky import Flaky, failing

THREADS = 8
ONCE = RetryPolicy(attempts=1)


@pytest.fixture
def dependency(states: BreakerStates, clock: ManualClock) -> Dependency:
    return Dependency("api:example.org", DEFAULT, states, clock, ONCE)


def outcome(dependency: Dependency, action: Callable[[], str]) -> object:
    """Return the answer, or the kind of error."""
    try:
        return dependency.call(action)
    except (Transient, Permanent) as error:
        return type(error)


def opened(dependency: Dependency) -> Dependency:
    action = failing()
    while outcome(dependency, action) is not BreakerOpen:
        pass
    return dependency


@pytest.mark.parametrize("policy", [DEFAULT, ENDPOINT], ids=["default", "endpoint"])
def test_it_opens_after_exactly_so_many_failures(
    states: BreakerStates, clock: ManualClock, policy: BreakerPolicy
) -> None:
    dependency, action = Dependency("d", policy, states, clock, ONCE), failing()
    found = [outcome(dependency, action) for _ in range(policy.failures + 20)]
    assert found == [Transient] * policy.failures + [BreakerOpen] * 20
    assert action.calls == policy.failures


def test_the_defaults_are_those_of_the_architecture() -> None:
    assert (DEFAULT.failures, DEFAULT.rest) == (5, timedelta(seconds=60))
    assert (ENDPOINT.failures, ENDPOINT.rest) == (3, timedelta(seconds=30))


@pytest.mark.parametrize("good", [None, Permanent("wrong question")], ids=["an answer", "a refusal"])
def test_only_failures_in_a_row_count(dependency: Dependency, good: Exception | None) -> None:
    """A refusal is an answer too: the other side is alive."""
    faults = [Transient("t")] * 4
    action = Flaky(*faults, *([good] if good else []))
    for _ in range(5):
        outcome(dependency, action)
    action.errors = [*faults]
    assert [outcome(dependency, action) for _ in range(5)] == [Transient] * 4 + ["answer"]


def test_threads_that_fail_together_open_it_at_the_same_count(dependency: Dependency, states: BreakerStates) -> None:
    together = Barrier(THREADS)

    def fail() -> str:
        together.wait()
        raise Transient("all at once")

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda _: outcome(dependency, fail), range(THREADS)))
    state = states.get(dependency.name)
    assert state is not None
    assert (state.failures, state.until is None) == (5, False)


def test_nothing_is_asked_while_it_is_open(dependency: Dependency, clock: ManualClock) -> None:
    opened(dependency)
    action = failing()
    clock.advance(timedelta(seconds=59.9))
    with ThreadPoolExecutor(THREADS) as threads:
        found = list(threads.map(lambda _: outcome(dependency, action), range(200)))
    assert (set(found), action.calls) == ({BreakerOpen}, 0)


@pytest.mark.parametrize("succeeds", [True, False])
def test_when_it_has_rested_exactly_one_call_may_probe(
    dependency: Dependency, clock: ManualClock, *, succeeds: bool
) -> None:
    opened(dependency)
    clock.advance(DEFAULT.rest)
    all_others_were_refused = Event()
    probe = Flaky() if succeeds else failing()

    def slow() -> str:
        assert all_others_were_refused.wait(30)
        return probe()

    with ThreadPoolExecutor(THREADS) as threads:
        running = [threads.submit(outcome, dependency, slow) for _ in range(THREADS)]
        assert wait_until(lambda: sum(call.done() for call in running) == THREADS - 1, timedelta(seconds=20))
        all_others_were_refused.set()
        found = [call.result() for call in running]
    assert probe.calls == 1
    assert found.count(BreakerOpen) == THREADS - 1
    assert outcome(dependency, Flaky()) == ("answer" if succeeds else BreakerOpen)


def test_a_probe_that_fails_opens_it_for_another_full_rest(dependency: Dependency, clock: ManualClock) -> None:
    opened(dependency)
    clock.advance(DEFAULT.rest + timedelta(seconds=40))
    assert outcome(dependency, failing()) is Transient
    clock.advance(DEFAULT.rest - timedelta(seconds=1))
    assert outcome(dependency, Flaky()) is BreakerOpen
    clock.advance(timedelta(seconds=1))
    assert outcome(dependency, Flaky()) == "answer"


def test_after_a_good_probe_it_counts_from_zero(dependency: Dependency, clock: ManualClock) -> None:
    opened(dependency)
    clock.advance(DEFAULT.rest)
    outcome(dependency, Flaky())
    assert [outcome(dependency, failing()) for _ in range(6)] == [Transient] * 5 + [BreakerOpen]


class Killed(BaseException):
    """The process ends."""


def test_a_probe_whose_process_died_holds_the_place_for_one_rest(dependency: Dependency, clock: ManualClock) -> None:
    opened(dependency)
    clock.advance(DEFAULT.rest)
    dependency._breaker.admit()  # and nobody ever tells what became of it
    assert outcome(dependency, Flaky()) is BreakerOpen
    clock.advance(DEFAULT.rest)
    assert outcome(dependency, Flaky()) == "answer"


@pytest.mark.parametrize("error", [Killed(), ValueError("bug"), Transient("busy", given_up=True)])
def test_a_probe_that_says_nothing_of_health_gives_its_place_back(
    dependency: Dependency, clock: ManualClock, error: BaseException
) -> None:
    opened(dependency)
    clock.advance(DEFAULT.rest)
    with pytest.raises(type(error)):
        dependency.call(Flaky(error))  # type: ignore[arg-type]
    assert outcome(dependency, Flaky()) == "answer"


@pytest.mark.parametrize("error", [ValueError("bug"), Transient("another run has the lane", given_up=True)])
def test_what_says_nothing_of_health_is_not_counted(dependency: Dependency, error: Exception) -> None:
    for _ in range(20):
        with pytest.raises(type(error)):
            dependency.call(Flaky(error))
    assert dependency.call(Flaky()) == "answer"


def test_what_began_before_it_opened_neither_closes_it_nor_prolongs_its_rest(
    dependency: Dependency, clock: ManualClock
) -> None:
    def late(action: Callable[[], str]) -> str:
        opened(dependency)
        clock.advance(timedelta(seconds=30))
        return action()

    outcome(dependency, lambda: late(failing()))
    assert outcome(dependency, Flaky()) is BreakerOpen
    clock.advance(timedelta(seconds=30))
    assert outcome(dependency, lambda: late(Flaky())) == "answer"


def test_it_says_who_since_when_why_and_until_when(dependency: Dependency, clock: ManualClock) -> None:
    opened(dependency)
    clock.advance(timedelta(seconds=20))
    with pytest.raises(BreakerOpen) as told:
        dependency.call(Flaky())
    assert str(told.value) == (
        "api:example.org is left alone until 00:01:00 UTC, because 5 calls in a row have failed and it has been so "
        "since 2026-01-01 00:00:00 UTC. Nothing was asked now. The last one said: fault 5"
    )
    assert told.value.retry_after == timedelta(seconds=40)


def test_its_since_is_that_of_the_whole_outage(
    dependency: Dependency, states: BreakerStates, clock: ManualClock
) -> None:
    began = clock.now()
    opened(dependency)
    for _ in range(3):
        clock.advance(DEFAULT.rest)
        outcome(dependency, Flaky(Transient("still dead")))
    state = states.all()[dependency.name]
    assert (state.since, state.failures, state.error, state.stage(clock.now())) == (began, 8, "still dead", "open")


def test_a_clock_that_was_set_back_does_not_keep_it_open(dependency: Dependency, clock: ManualClock) -> None:
    opened(dependency)
    clock.advance(timedelta(hours=-3))
    assert outcome(dependency, Flaky()) == "answer"


def test_dependencies_do_not_disturb_each_other(states: BreakerStates, clock: ManualClock) -> None:
    opened(Dependency("one", DEFAULT, states, clock, ONCE))
    assert Dependency("two", DEFAULT, states, clock, ONCE).call(Flaky()) == "answer"


def test_workers_share_what_they_know(sharing: Callable[[], SharedStates], clock: ManualClock) -> None:
    """Five failures of any workers open it for all of them, and one of them probes."""
    workers = [Dependency("lake", DEFAULT, sharing(), clock, ONCE) for _ in range(3)]
    action = failing()
    found = [outcome(workers[n % 3], action) for n in range(8)]
    assert found == [Transient] * 5 + [BreakerOpen] * 3
    clock.advance(DEFAULT.rest)
    assert workers[0]._breaker.admit() is not None
    assert [outcome(worker, Flaky()) for worker in workers] == [BreakerOpen] * 3
