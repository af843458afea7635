"""Incidents open at once, close when their check is met twice in a row, and stay as they are while it is muted."""

from datetime import timedelta

import pytest

from datastream.quality.check import Check
from datastream.quality.incidents import MOST_CLOSED, Change, Incidents, Mute
from tests.quality.weeks import HOUR, MONDAY

MISSED = Check("freshness", "rows were loaded 3 h ago", "at most 1 h ago", "not met", value=10800.0, high=3600.0)
MET = Check("freshness", "rows were loaded 3 min ago", "at most 1 h ago", "met", value=180.0, high=3600.0)
UNKNOWN = Check("freshness", "nothing to tell by", "at most 1 h ago", "not judged")
UNLEARNED = Check("freshness", "rows were loaded 3 h ago", "", "not judged")


class Hours:
    """Asks every hour, and returns what changed."""

    def __init__(self) -> None:
        self.incidents, self.now = Incidents(stream="orders"), MONDAY

    def __call__(self, *checks: Check, gone: tuple[tuple[str, str], ...] = ()) -> list[str]:
        self.now += HOUR
        self.told, changes = self.incidents.judge(checks, gone, self.now)
        return [said(change) for change in changes]


def said(change: Change) -> str:
    how = f" ({change.incident.how})" if change.incident.how else ""
    return f"{change.what} {change.incident.id}{how}"


@pytest.fixture
def ask() -> Hours:
    return Hours()


def test_it_opens_once_and_closes_when_the_check_is_met_twice(ask: Hours) -> None:
    assert ask(MISSED) == ["opened orders/freshness/1"]
    assert ask(MISSED) == []
    assert ask.told[0].incident == "orders/freshness/1"
    assert ask(MET) == []
    assert ask(MET) == ["closed orders/freshness/1 (met)"]
    [closed] = ask.incidents.closed
    assert (closed.opened_at, closed.closed_at) == (MONDAY + HOUR, MONDAY + 4 * HOUR)
    assert closed.said == "rows were loaded 3 h ago (expected: at most 1 h ago)"


def test_a_check_that_is_met_now_and_then_sends_one_alert(ask: Hours) -> None:
    assert [ask(*checks) for checks in [(MISSED,), (MET,)] * 20] == [["opened orders/freshness/1"], *[[]] * 39]


def test_each_has_a_number_of_its_own(ask: Hours) -> None:
    for check in (MISSED, MET, MET):
        ask(check)
    column = Check("nulls", "all", "as usual", "not met", subject="gate")
    assert ask(MISSED, column) == ["opened orders/freshness/2", "opened orders/nulls/gate/3"]


def test_what_is_not_known_closes_nothing_and_what_is_not_asked_any_more_does(ask: Hours) -> None:
    ask(MISSED)
    assert ask(UNKNOWN, UNLEARNED) == []
    assert ask(gone=(("freshness", ""),)) == ["closed orders/freshness/1 (not expected any more)"]
    ask(Check("references", "2 of 3", "none", "not met", subject="tail"))
    assert ask(gone=(("references", "tail"),)) == ["closed orders/references/tail/2 (not expected any more)"]


def test_while_it_is_muted_it_is_judged_and_nothing_happens(ask: Hours) -> None:
    ask.incidents.mutes = [Mute(check="freshness", at=MONDAY, until=MONDAY + 3 * HOUR, why="moving")]
    assert ask(MISSED) == []
    assert (ask.told[0].result, ask.incidents.open) == ("muted", [])
    assert ask(MET) == []
    assert ask.told[0].result == "met"
    assert ask(MISSED) == ["opened orders/freshness/1"], "the mute has ended"
    assert ask.incidents.mutes == []


def test_an_incident_stays_as_it_is_while_its_check_is_muted(ask: Hours) -> None:
    ask(MISSED)
    ask.incidents.mutes = [Mute(check="freshness", at=MONDAY, until=ask.now + 4 * HOUR, why="")]
    assert [ask(MET) for _ in range(3)] == [[]] * 3
    assert [ask(MET), ask(MET)] == [[], ["closed orders/freshness/1 (met)"]]


def test_a_mute_is_of_all_columns_or_of_one() -> None:
    every, one = (Mute(check="nulls", subject=s, at=MONDAY, until=MONDAY + HOUR, why="") for s in ("", "gate"))
    assert every.holds(("nulls", "gate"), MONDAY)
    assert not one.holds(("nulls", "tail"), MONDAY)
    assert not one.holds(("nulls", "gate"), MONDAY + timedelta(hours=2))


def test_the_last_fifty_that_are_closed_are_kept(ask: Hours) -> None:
    for _ in range(60):
        for check in (MISSED, MET, MET):
            ask(check)
    assert len(ask.incidents.closed) == MOST_CLOSED
    assert ask.incidents.closed[-1].id == "orders/freshness/60"
