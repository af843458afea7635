"""A budget is kept by all who spend it: what is declared, and what the other side says."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from time import monotonic

import pytest
import redis
from pydantic import SecretStr

from datastream.buffers.budgets import SharedBudgets
from datastream.buffers.connection import connect
from datastream.clock import ManualClock, SystemClock
from datastream.connections import BufferConfig
from datastream.resilience.budget import SLACK, Allowance, Budget, Budgets, BudgetSpent, MemoryBudgets, Said
from deployments.stack.waiting import wait_until
from tests.resilience.moments import most_within

FIVE = Allowance(5, timedelta(milliseconds=300))
BRIEFLY = timedelta(milliseconds=200)


@pytest.fixture(params=["memory", "redis", "redis away"])
def budgets(request: pytest.FixtureRequest) -> Iterator[Budgets]:
    if request.param == "memory":
        yield MemoryBudgets(SystemClock())
        return
    url = request.getfixturevalue("redis_url") if request.param == "redis" else "redis://127.0.0.1:9"
    with connect(BufferConfig(url=SecretStr(url))) as client:
        yield SharedBudgets(client, SystemClock())
    if request.param == "redis":
        emptied(url)


def emptied(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        for key in client.keys("datastream:budget:*"):
            client.delete(key)


def taken(budgets: Budgets, allowance: Allowance | None = None) -> bool:
    return not budgets.take("api", allowance).wait


def test_what_is_allowed_is_taken_at_once_and_no_more(budgets: Budgets) -> None:
    assert [taken(budgets, FIVE) for _ in range(6)] == [True] * 5 + [False]


def test_who_has_to_wait_is_told_how_long(budgets: Budgets) -> None:
    for _ in range(5):
        budgets.take("api", FIVE)
    assert timedelta() < budgets.take("api", FIVE).wait <= FIVE.per + SLACK


def test_after_the_wait_there_is_room_again(budgets: Budgets) -> None:
    for _ in range(5):
        budgets.take("api", FIVE)
    assert wait_until(lambda: taken(budgets, FIVE), timedelta(seconds=2))


def test_each_machine_has_a_budget_of_its_own(budgets: Budgets) -> None:
    for _ in range(5):
        budgets.take("api", FIVE)
    assert not budgets.take("other", FIVE).wait


def test_without_an_allowance_nobody_waits(budgets: Budgets) -> None:
    assert all(taken(budgets) for _ in range(20))


def test_requests_are_numbered(budgets: Budgets) -> None:
    assert [budgets.take("api", None).number for _ in range(3)] == [1, 2, 3]


def test_nobody_asks_while_the_other_side_rests(budgets: Budgets) -> None:
    budgets.rest("api", BRIEFLY)
    assert timedelta() < budgets.take("api", None).wait <= BRIEFLY
    assert wait_until(lambda: taken(budgets), timedelta(seconds=2))


def test_a_shorter_rest_does_not_end_a_longer_one(budgets: Budgets) -> None:
    budgets.rest("api", timedelta(minutes=5))
    budgets.rest("api", BRIEFLY)
    assert budgets.take("api", None).wait > timedelta(minutes=4)


def test_under_a_ceiling_requests_go_out_up_to_its_number(budgets: Budgets) -> None:
    number = budgets.take("api", None).number
    budgets.ceiling("api", number + 2, BRIEFLY)
    assert [taken(budgets) for _ in range(3)] == [True, True, False]
    assert wait_until(lambda: taken(budgets), timedelta(seconds=2))


def test_of_two_ceilings_the_lower_counts(budgets: Budgets) -> None:
    """Answers overtake each other: the one that has seen more requests says less."""
    budgets.ceiling("api", 3, timedelta(minutes=1))
    budgets.ceiling("api", 10, timedelta(minutes=1))
    assert [taken(budgets) for _ in range(4)] == [True, True, True, False]


def test_workers_together_stay_inside_an_allowance(redis_url: str) -> None:
    """Eight of them, each with a client of its own, and what a server would count in any window."""
    sent: list[float] = []

    def work(budget: Budget) -> None:
        for _ in range(3):
            budget.admit()
            sent.append(monotonic())

    with ExitStack() as held, ThreadPoolExecutor(8) as threads:
        made: Callable[[], Budget] = lambda: Budget(  # noqa: E731
            "api",
            SharedBudgets(held.enter_context(connect(BufferConfig(url=SecretStr(redis_url)))), SystemClock()),
            SystemClock(),
            FIVE,
        )
        list(threads.map(work, [made() for _ in range(8)]))
    emptied(redis_url)
    assert len(sent) == 24
    assert most_within(FIVE.per, sent) <= FIVE.requests


def test_who_would_wait_longer_than_anybody_does_is_told() -> None:
    clock = ManualClock()
    budgets = MemoryBudgets(clock)
    budgets.rest("api", timedelta(hours=1))
    with pytest.raises(BudgetSpent, match=r"api may not be asked for another 3,600 s.*cursor has not moved") as told:
        Budget("api", budgets, clock).admit()
    assert told.value.retry_after == timedelta(hours=1)


def test_who_waits_sleeps_as_long_as_is_needed_and_no_longer() -> None:
    clock = ManualClock()
    budgets = MemoryBudgets(clock)
    budgets.rest("api", timedelta(seconds=30))
    Budget("api", budgets, clock).admit()
    assert clock.slept == [timedelta(seconds=30)]


def test_what_an_answer_says_is_kept_for_all() -> None:
    clock = ManualClock()
    budgets = MemoryBudgets(clock)
    first, second = (Budget("api", budgets, clock) for _ in range(2))
    first.learn(first.admit(), Said(remaining=1, reset=timedelta(seconds=60)))
    second.admit()
    second.admit()
    assert clock.slept == [timedelta(seconds=60)]
