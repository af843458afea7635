"""The processes of workers, here ones that only wait: who is begun, replaced, sent away first, and called what."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from multiprocessing.process import BaseProcess

import pytest

from datastream.clock import ManualClock
from deployments.stack.waiting import wait_until
from deployments.workers.crew import Crew, Member, RestPolicy
from tests.forks import forks

SOON = timedelta(seconds=20)


def wait_idle(_name: str) -> None:
    time.sleep(300)


def wait_with_a_child(_name: str) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    signal.signal(signal.SIGTERM, lambda *_: (child.kill(), os.waitpid(child.pid, 0), os._exit(0)))
    child.wait()


class Company:
    """A crew of three at most, whose first worker has something to do."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.begun: list[BaseProcess] = []
        self.crew = Crew(self.begin, "here", 3, self.clock, RestPolicy())

    def begin(self, name: str) -> BaseProcess:
        target = wait_with_a_child if name == "here-1" else wait_idle
        process = forks().Process(target=target, args=(name,))
        process.start()
        self.begun.append(process)
        return process

    def gone(self) -> list[tuple[Member, int]]:
        """Wait until somebody has ended."""
        found: list[tuple[Member, int]] = []
        assert wait_until(lambda: bool(found.extend(self.crew.reap()) or found), SOON)
        return found

    def kill(self, at: int) -> None:
        os.kill(self.begun[at].pid or 0, signal.SIGKILL)


@pytest.fixture
def company() -> Iterator[Company]:
    company = Company()
    yield company
    company.crew.end(signal.SIGTERM)
    assert wait_until(lambda: list(company.crew.reap()) is None or not len(company.crew), SOON)


def names(members: list[Member]) -> list[str]:
    return [member.name for member in members]


def test_idle_workers_are_sent_away_first_and_their_names_are_given_again(company: Company) -> None:
    assert names(company.crew.become(3)) == ["here-1", "here-2", "here-3"]
    assert wait_until(lambda: company.crew.counts() == {"busy": 1, "idle": 2, "leaving": 0}, SOON)
    assert names(company.crew.become(1)) == ["here-3", "here-2"]
    while len(company.crew) > 1:
        assert all(member.leaves for member, _ in company.gone())
    assert names(company.crew.become(2)) == ["here-2"]


def test_who_leaves_counts_until_it_has_gone(company: Company) -> None:
    company.crew.become(3)
    company.crew.become(1)
    begun = company.crew.become(3)
    assert len(begun) + company.crew.counts()["leaving"] == 2


def test_a_killed_worker_is_replaced_under_its_name(company: Company) -> None:
    company.crew.become(2)
    company.clock.advance(timedelta(hours=1))
    company.kill(1)
    [(member, code)] = company.gone()
    assert (member.name, code) == ("here-2", -signal.SIGKILL)
    assert names(company.crew.become(2)) == ["here-2"]


def test_workers_that_die_young_are_replaced_more_and_more_slowly(company: Company) -> None:
    rests = []
    for died in range(3):
        assert len(company.crew.become(1)) == 1
        company.kill(died)
        company.gone()
        assert company.crew.become(1) == []
        rests.append(company.crew.rest().total_seconds())
        company.clock.advance(company.crew.rest())
    assert rests == [1.0, 2.0, 4.0]


def test_the_rest_has_an_end_however_many_died() -> None:
    assert RestPolicy().rest(1_000_000) == timedelta(minutes=1)
