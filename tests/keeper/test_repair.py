"""What a dead run leaves behind is put right, what lives is left alone, and what was cut off is done after all."""

import os
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from datastream.connections import LakeConfig
from datastream.lake.lake import open_lake
from datastream.lake.reader import connect
from deployments.keeper import Repair, Server
from deployments.stack.process import Process, family
from deployments.stack.waiting import wait_until
from tests.conftest import orders
from tests.fake_api import FakeApi
from tests.flows.conftest import Project
from tests.keeper.conftest import HASTY, Deployed, Patient, by_hand, deploy, soon, worker
from tests.proxy import between

WORKS = """
import ctypes, pathlib, time
from prefect import flow
from tasks import seen_at_work

{skin}
def works():
    print("working", flush=True)
    {does}
    while not pathlib.Path({file!r}).exists():
        time.sleep(0.05)
    {then}

flow(name="works", persist_result=False)(works)()
"""
UNSEEN = ""
"""As a flow of another project."""
BLOCKED = "ctypes.PyDLL(None).sleep(8)"
"""Holds all of Python up: no thread can send a sign of life."""


@pytest.fixture
def end(tmp_path: Path) -> Path:
    """The file whose appearance lets a run end."""
    return tmp_path / "end"


def working(end: Path, skin: str = "@seen_at_work", does: str = "pass", then: str = "pass") -> str:
    return WORKS.format(file=str(end), skin=skin, does=does, then=then)


def begun(server: Server, process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait until the process works, and return its run."""
    assert process.stdout is not None
    while line := process.stdout.readline():
        if line == "working\n":
            break
    else:
        raise AssertionError("the run ended")
    return newest(server, "works")


def newest(server: Server, flow: str) -> dict[str, Any]:
    asked = {"flows": {"name": {"any_": [flow]}}, "sort": "START_TIME_DESC", "limit": 1}
    [run] = server.post("/flow_runs/filter", asked)
    return run


def state(server: Server, run: dict[str, Any]) -> str:
    found: str = server.get(f"/flow_runs/{run['id']}")["state_type"]
    return found


def kill(process: Process) -> None:
    """Kill a worker and all that it started, with no time for a last word."""
    for pid in family(process):
        os.kill(pid, signal.SIGKILL)


def test_after_a_kill_of_worker_and_run_the_work_is_done_once_and_no_slot_is_lost(
    project: Project, api: FakeApi, hanging: threading.Event, server: Server, deployed: Deployed, repair: Repair
) -> None:
    """The promise of R46, with a hasty keeper."""
    slots = f"/v2/concurrency_limits/deployment:{deployed.id}"
    with worker(project) as first:
        dead = deployed.start()
        soon(lambda: any("page=3" in asked for asked in api.asked), 90)
        kill(first)
    hanging.set()
    assert deployed.run(dead)["state_type"] == "RUNNING", "nobody was left to say that it is dead"
    assert server.get(slots)["active_slots"] == 1
    soon(lambda: repair.look() and deployed.run(dead)["state_type"] == "CRASHED")
    assert "is gone. Nothing that was committed is lost. It is run again" in deployed.run(dead)["state"]["message"]
    assert server.get(slots)["active_slots"] == 0
    [again] = deployed.runs("SCHEDULED")
    assert again["tags"] == ["rerun:1"]
    with worker(project):
        soon(lambda: deployed.run(again["id"])["state_type"] == "COMPLETED", 90)
    assert repair.look() == [], "what was put right is left alone"
    with connect(open_lake(LakeConfig(uri=(project.folder / "lake").as_uri()))) as lake:
        assert lake.sql("select count(*), count(distinct id) from orders").fetchall() == [(300, 300)]


def test_a_run_that_is_busy_beyond_all_heartbeats_is_left_alone(
    project: Project, server: Server, repair: Repair, end: Path
) -> None:
    """As Great Expectations can be, in C, with a claim of many rows."""
    with by_hand(project, working(end, does=BLOCKED)) as process:
        run = begun(server, process)
        assert not wait_until(lambda: bool(repair.look()), 2 * HASTY.silence)
        end.touch()
        process.wait()
    assert state(server, run) == "COMPLETED"


def test_a_run_of_another_project_is_dead_after_three_heartbeats(
    project: Project, server: Server, repair: Repair, end: Path
) -> None:
    with by_hand(project, working(end, skin=UNSEEN)) as process:
        run = begun(server, process)
        soon(lambda: repair.beats(run))
        process.kill()
    soon(lambda: repair.look() and state(server, run) == "CRASHED")
    said = server.get(f"/flow_runs/{run['id']}")["state"]["message"]
    assert "which is three heartbeats. Nothing that was committed is lost. Run it again by hand." in said


def test_a_run_that_was_taken_for_dead_by_mistake_goes_on_and_has_the_last_word(
    project: Project, server: Server, repair: Repair, end: Path
) -> None:
    """Its heartbeats come more seldom than the keeper was told, and it shows no connection."""
    with by_hand(project, working(end, skin=UNSEEN)) as process:
        run = begun(server, process)
        soon(lambda: repair.look() and state(server, run) == "CRASHED")
        end.touch()
        process.wait()
    assert state(server, run) == "COMPLETED"


@pytest.mark.parametrize(("then", "ends"), [("pass", "COMPLETED"), ("raise ValueError('a secret')", "FAILED")])
def test_a_run_that_ends_while_the_server_is_away_is_told_to_it_afterwards(
    project: Project, server: Server, repair: Repair, end: Path, then: str, ends: str
) -> None:
    host = urlsplit(project.prefect_api).netloc
    with between(host) as proxy:
        env = {"PREFECT_API_URL": f"{proxy.url}/api", "PREFECT_CLIENT_MAX_RETRIES": "0"}
        with by_hand(project, working(end, then=then), **env) as process:
            run = begun(server, process)
            proxy.shares = {"cut": 1.0}
            end.touch()
            process.wait(60)
    assert state(server, run) == "RUNNING"
    soon(lambda: repair.look() and state(server, run) == ends)
    said = server.get(f"/flow_runs/{run['id']}")["state"]["message"]
    assert "was told later" in said
    assert "secret" not in said


def test_a_run_that_no_worker_begins_gives_its_slot_back(server: Server, deployed: Deployed, repair: Repair) -> None:
    slots = f"/v2/concurrency_limits/deployment:{deployed.id}"
    stuck = deployed.start()
    pending = {"type": "PENDING", "message": "Taken by a worker that died."}
    server.post(f"/flow_runs/{stuck}/set_state", {"state": pending})
    assert server.get(slots)["active_slots"] == 1
    soon(lambda: repair.look() and deployed.run(stuck)["state_type"] == "CRASHED")
    assert server.get(slots)["active_slots"] == 0


def test_two_keepers_run_a_crashed_run_again_once(server: Server, deployed: Deployed, repair: Repair) -> None:
    dead = deployed.start()
    server.post(f"/flow_runs/{dead}/set_state", {"state": {"type": "CRASHED"}, "force": True})
    other = Repair(server, repair.client, repair.clock, HASTY)
    repair.look()
    other.look()
    assert [run["tags"] for run in deployed.runs("SCHEDULED")] == [["rerun:1"]]


def test_a_paused_deployment_is_not_run_again(server: Server, deployed: Deployed, repair: Repair) -> None:
    dead = deployed.start()
    server.post(f"/deployments/{deployed.id}/pause_deployment", {})
    server.post(f"/flow_runs/{dead}/set_state", {"state": {"type": "CRASHED"}, "force": True})
    assert repair.look() == []
    assert deployed.runs("SCHEDULED") == []


def test_a_run_whose_deployment_is_gone_holds_no_other_up(server: Patient, deployed: Deployed, repair: Repair) -> None:
    other = deploy(server, "other")
    for deployment in (other, deployed):
        run = deployment.start()
        server.post(f"/flow_runs/{run}/set_state", {"state": {"type": "CRASHED"}, "force": True})
    server.delete(f"/deployments/{other.id}")
    assert sum("is run again" in line for line in repair.look()) == 1
    assert len(deployed.runs("SCHEDULED")) == 1


def test_the_tasks_of_a_dead_run_are_dead_too(server: Server, deployed: Deployed, repair: Repair) -> None:
    stuck = deployed.start()
    task = {"flow_run_id": stuck, "task_key": "t", "dynamic_key": "0", "state": {"type": "RUNNING"}}
    made = server.post("/task_runs/", task)
    server.post(f"/flow_runs/{stuck}/set_state", {"state": {"type": "PENDING"}})
    soon(lambda: repair.look() and deployed.run(stuck)["state_type"] == "CRASHED")
    assert server.get(f"/task_runs/{made['id']}")["state_type"] == "CRASHED"


def test_a_run_that_nobody_is_left_to_cancel_is_cancelled_and_not_run_again(
    server: Server, deployed: Deployed, repair: Repair
) -> None:
    """The server does it; the local stack has it wait for a minute and not for five."""
    stuck = deployed.start()
    for type_ in ("PENDING", "RUNNING", "CANCELLING"):
        server.post(f"/flow_runs/{stuck}/set_state", {"state": {"type": type_}})
    soon(lambda: deployed.run(stuck)["state_type"] == "CANCELLED")
    assert server.get(f"/v2/concurrency_limits/deployment:{deployed.id}")["active_slots"] == 0
    assert repair.look() == []
    assert deployed.runs("SCHEDULED") == []


@pytest.mark.full
def test_a_server_that_is_away_for_a_minute_costs_a_run_nothing(
    project: Project, api: FakeApi, hanging: threading.Event, server: Server, repair: Repair
) -> None:
    """The promise of R45: commit follows commit, and afterwards the server tells the truth."""
    project.stream("per_commit: 5", "per_commit: 1")
    api.records = orders(1200)
    code = "from flows.etl_pipeline import etl_pipeline; print('working', flush=True); etl_pipeline('orders')"
    with (
        between(urlsplit(project.prefect_api).netloc) as proxy,
        by_hand(project, code, PREFECT_API_URL=f"{proxy.url}/api") as process,
    ):
        soon(lambda: any("page=3" in asked for asked in api.asked) or process.poll() is not None, 90)
        assert process.poll() is None, process.communicate()[0]
        proxy.shares = {"cut": 1.0}
        hanging.set()
        soon(lambda: len(list(project.folder.glob("lake/_log/orders/0/*.json"))) == 12, 60)
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)
        proxy.shares = {}
        process.wait(180)
    run = newest(server, "etl-pipeline")
    soon(lambda: (repair.look(), state(server, run))[1] == "COMPLETED")
