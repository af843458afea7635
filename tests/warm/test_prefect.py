"""Warm starts on a real Prefect server, with the stock process worker and the parent that the stack runs."""

import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.start.pools import Pools
from deployments.stack import prefect_server
from deployments.stack.waiting import wait_until
from deployments.warm.wiring import COMMAND, with_command
from tests.commands import run_code
from tests.warm.machine import gone

SOON = timedelta(seconds=30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("warm").resolve()


@pytest.fixture(scope="module")
def without_parent(folder: Path) -> Iterator[Pools]:
    """A worker whose pool asks for warm starts."""
    with prefect_server(folder / "server") as api:
        pools = Pools(api, folder)
        with pools.worker("warm", warm=True, WARM_TEST_FOLDER=str(folder)):
            yield pools


@pytest.fixture(scope="module")
def pools(without_parent: Pools) -> Iterator[Pools]:
    with without_parent.parent():
        yield without_parent


def logged(pools: Pools, run: str, last: str) -> list[str]:
    """Return what a run has logged once its last line has come: it is sent after the state."""
    assert wait_until(lambda: last in pools.logs(run), SOON), pools.logs(run)
    return pools.logs(run)


def test_without_a_parent_a_run_starts_cold_and_says_so_among_its_logs(without_parent: Pools) -> None:
    run = without_parent.start(without_parent.deploy("warm", "tests.warm.flows.tells"))
    assert "COMPLETED" in without_parent.wait(run)
    said = logged(without_parent, run, "mine: None")
    assert "Started cold: no warm parent runs here; `datastream warm` is one." in said
    assert "modules at the start: False" in said


def doctor(pools: Pools) -> str:
    """Return what `datastream doctor` says of warm starts."""
    code = "from deployments.doctor.finding import *; from deployments.doctor.prefect import *\n"
    done = run_code(f"{code}print(examined('', lambda: warm_starts('warm')))", pools.environment)
    return done.stdout + done.stderr


def test_the_doctor_misses_a_parent_where_a_worker_of_ours_runs(without_parent: Pools) -> None:
    assert "ok=True" in doctor(without_parent)
    name = f"{socket.gethostname()}-1"
    without_parent.ask("POST", "/work_pools/warm/workers/heartbeat", name=name, heartbeat_interval_seconds=600)
    said = doctor(without_parent)
    assert ("ok=False" in said, "Start one with `datastream warm`" in said) == (True, True), said


def test_the_doctor_finds_the_parent(pools: Pools) -> None:
    assert "has loaded this code" in doctor(pools)


def test_a_run_starts_warm_and_completes_with_its_children_variables_and_settings(pools: Pools) -> None:
    deployment = pools.deploy(
        "warm", "tests.warm.flows.tells", env={"MINE": "its own", "PREFECT_LOGGING_LEVEL": "DEBUG"}
    )
    run = pools.start(deployment)
    assert "COMPLETED" in pools.wait(run)
    said = logged(pools, run, "mine: its own")
    assert {"modules at the start: True", "children: [2, 4]", "seen with DEBUG"} <= set(said)
    assert not [line for line in said if "cold" in line]
    assert "printed by the run" in (pools.folder / "worker-warm.log").read_text()
    other = pools.start(pools.deploy("warm", "tests.warm.flows.tells"))
    assert "seen with DEBUG" not in logged(pools, other, "mine: None")


def test_a_flow_that_fails_is_failed_and_no_crash(pools: Pools) -> None:
    run = pools.start(pools.deploy("warm", "tests.warm.flows.fails"))
    assert {"FAILED"} == pools.wait(run).keys() & {"FAILED", "CRASHED"}


def test_a_run_that_is_killed_is_crashed_and_its_hook_runs(pools: Pools) -> None:
    run = pools.start(pools.deploy("warm", "tests.warm.flows.dies"))
    assert "CRASHED" in pools.wait(run)
    assert wait_until((pools.folder / f"{run}.hook").exists, SOON)
    assert (pools.folder / f"{run}.hook").read_text() == "CRASHED"


def test_a_run_that_is_cancelled_ends_and_its_hook_runs(pools: Pools) -> None:
    run = pools.start(pools.deploy("warm", "tests.warm.flows.waits"))
    note = pools.folder / "waits.pid"
    assert wait_until(lambda: note.exists() and bool(note.read_text()), SOON)
    pools.ask("POST", f"/flow_runs/{run}/set_state", state={"type": "CANCELLING"})
    assert "CANCELLED" in pools.wait(run)
    assert gone(int(note.read_text()))
    assert wait_until((pools.folder / f"{run}.hook").exists, SOON)
    assert (pools.folder / f"{run}.hook").read_text() == "CANCELLING"


def test_a_command_that_somebody_has_set_is_kept(without_parent: Pools) -> None:
    pool = without_parent.ask("GET", "/work_pools/warm")
    properties = pool["base_job_template"]["variables"]["properties"]
    assert properties["command"]["default"] == COMMAND
    assert with_command(pool["base_job_template"]) is None
    for mine in ("mine", "nice python -P -m deployments.warm"):
        properties["command"]["default"] = mine
        assert with_command(pool["base_job_template"]) is None
    properties["command"]["default"] = "python -m deployments.warm"
    assert with_command(pool["base_job_template"])["variables"]["properties"]["command"]["default"] == COMMAND


def test_a_command_that_a_pool_takes_from_no_variable_is_kept() -> None:
    assert with_command({"job_configuration": {"command": "mine"}, "variables": {}}) is None
    wired = with_command({"job_configuration": {"command": "{{ command }}"}})
    assert wired["variables"] == {"properties": {"command": {"default": COMMAND}}}
