"""The benchmark of starts counts what it says. Nothing is timed here; tests/warm run what it runs."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.child import CandidateFailed
from benchmarks.start.__main__ import conclude
from benchmarks.start.pools import waited

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)


def test_a_start_takes_from_pending_to_running_by_the_servers_clock() -> None:
    states = {"SCHEDULED": NOON - timedelta(minutes=1), "PENDING": NOON, "RUNNING": NOON + timedelta(seconds=1)}
    assert waited({**states, "COMPLETED": NOON + timedelta(minutes=1)}) == timedelta(seconds=1)


def test_a_run_that_did_not_complete_has_no_time() -> None:
    with pytest.raises(CandidateFailed, match="PENDING, CRASHED"):
        waited({"PENDING": NOON, "CRASHED": NOON})


def test_goals_are_told_before_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    conclude([500.0, 700.0, 600.0], [5900.0], {"uss_mb": 270.0, "pss_mb": 290.0})
    *_, most, times, last = capsys.readouterr().out.splitlines()
    assert [said.split(":")[0] for said in (most, times)] == ["reached", "MISSED"]
    assert json.loads(last) == {
        "name": "start", "unit": "ms", "ours": 600, "peer": 5900, "ratio": 0.1, "uss_mb": 270, "pss_mb": 290,
    }  # fmt: skip
