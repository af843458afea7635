"""`datastream keeper` as a process: it says what is away once, goes on, and ends when it is told to."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from datastream.clock import ManualClock
from datastream.errors import Transient
from deployments.keeper import Keeper
from deployments.keeper.loop import Duty
from tests.commands import DATASTREAM, run
from tests.fake_api import FakeApi
from tests.flows.conftest import ROOT, Project
from tests.keeper.conftest import Deployed, Patient, by_hand, soon, worker
from tests.keeper.test_repair import begun, kill, state, working

SECOND = timedelta(seconds=1)
NINETY = 90


@contextmanager
def keeper(project: Project, **env: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command as the stack does."""
    with subprocess.Popen(
        [sys.executable, "-m", DATASTREAM, "keeper"], cwd=ROOT, text=True, stdout=subprocess.PIPE,
        env={**os.environ, **project.environment, "PYTHONUNBUFFERED": "1", **env},
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def test_who_is_away_is_told_once_and_again_when_it_is_back() -> None:
    clock, said = ManualClock(), []
    answers: list[Exception | list[str]] = [
        Transient("Nobody there."), Transient("Nobody there."), redis.ConnectionError("gone"), ["a load"], [],
    ]  # fmt: skip

    def do() -> list[str]:
        answer = answers.pop(0)
        kept.stopped = not answers
        if isinstance(answer, Exception):
            raise answer
        return answer

    kept = Keeper((Duty("Starting loads", SECOND, do),), clock, said.append)
    kept.run()
    assert said == ["Starting loads has to wait: Nobody there.", "a load", "Starting loads goes on."]
    assert clock.slept == [SECOND] * 4


def test_a_duty_that_has_to_wait_holds_no_other_up() -> None:
    clock, done = ManualClock(), []

    def away() -> list[str]:
        raise Transient("Nobody there.")

    def do() -> list[str]:
        done.append(clock.monotonic())
        kept.stopped = len(done) == 3
        return []

    kept = Keeper((Duty("Repair", 5 * SECOND, away), Duty("Starting loads", SECOND, do)), clock, lambda _: None)
    kept.run()
    assert done == [0, 1, 2]


def test_it_goes_on_while_server_and_buffer_are_away_and_ends_when_it_is_told_to(project: Project) -> None:
    nowhere = {"PREFECT_API_URL": "http://127.0.0.1:9/api", "DATASTREAM_REDIS_URL": "redis://127.0.0.1:9/0"}
    with keeper(project, **nowhere) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
    assert lines[0] == "Keeping runs at http://127.0.0.1:9/api\n"
    assert {line.partition(" has to wait: ")[0] for line in lines[1:]} == {"Repair", "Overview", "Starting loads"}
    assert (rest, process.returncode) == ("Stopped.\n", 0)


def test_without_a_server_to_keep_it_says_what_to_do(project: Project) -> None:
    env = {**os.environ, **project.environment}
    env.pop("PREFECT_API_URL")
    done = run(DATASTREAM, "keeper", env=env)
    assert (done.returncode, done.stderr) == (
        1, "datastream: PREFECT_API_URL names no Prefect server. Start one with `datastream up`, or set it.\n"
    )  # fmt: skip


@pytest.mark.full
def test_within_ninety_seconds_of_a_kill_a_run_is_crashed_and_its_work_on_the_way(
    project: Project, api: FakeApi, hanging: threading.Event, deployed: Deployed
) -> None:
    """R46 with the keeper as it is shipped."""
    with keeper(project), worker(project) as first:
        dead = deployed.start()
        soon(lambda: any("page=3" in asked for asked in api.asked), 90)
        kill(first)
        assert not hanging.is_set()
        soon(lambda: deployed.run(dead)["state_type"] == "CRASHED" and deployed.runs("SCHEDULED"), NINETY)


@pytest.mark.full
@pytest.mark.timeout(300)
def test_a_run_that_is_busy_for_two_minutes_without_a_heartbeat_is_left_alone(
    project: Project, server: Patient, tmp_path: Path
) -> None:
    end = tmp_path / "end"
    end.touch()
    with keeper(project), by_hand(project, working(end, does="ctypes.PyDLL(None).sleep(120)")) as process:
        found = begun(server, process)
        process.wait()
        assert state(server, found) == "COMPLETED"
        states = server.get(f"/flow_run_states/?flow_run_id={found['id']}")
    assert "CRASHED" not in {each["type"] for each in states}
