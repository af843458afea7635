"""The local stack: up is repeatable, heals what died and keeps its data; down leaves nothing that runs."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from deployments import stack
from deployments.stack.ledger import Ledger
from deployments.stack.ports import listeners
from deployments.stack.process import family


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("project").resolve()
    yield folder
    stack.down(folder)


@pytest.fixture
def running(project: Path) -> stack.Stack:
    """A stack that is up: the first test waits for it, the others find it."""
    return stack.up(project)


def pids(project: Path) -> dict[str, int | None]:
    return {service.name: service.pid for service in stack.status(project)}


def families(project: Path) -> dict[str, list[int]]:
    records = Ledger(project / ".datastream").read()
    return {name: family(record.process) for name, record in records.items()}


def test_up_again_keeps_every_process(project: Path, running: stack.Stack) -> None:
    before = pids(project)
    said: list[str] = []
    assert stack.up(project, report=lambda progress: said.append(str(progress))) == running
    assert pids(project) == before
    assert all("runs already" in line for line in said)


def test_a_killed_valkey_comes_back_with_its_data_and_the_others_stay(project: Path, running: stack.Stack) -> None:
    before = pids(project)
    with redis.Redis.from_url(running.redis_url) as client:
        client.set("kept", "yes")
    os.kill(before["valkey"], signal.SIGKILL)
    again = stack.up(project)
    with redis.Redis.from_url(again.redis_url, decode_responses=True) as client:
        assert client.get("kept") == "yes"
    after = pids(project)
    assert after.pop("valkey") != before.pop("valkey")
    assert after == before


@pytest.mark.usefixtures("running")
def test_everything_listens_on_loopback_only(project: Path) -> None:
    heard = {name: listeners(found) for name, found in families(project).items()}
    assert all(heard[name] for name in ("valkey", "prefect", "demo"))
    assert {host for where in heard.values() for host, _ in where} == {"127.0.0.1"}


def test_the_plain_prefect_command_finds_the_stack_from_the_project_folder(
    project: Path, running: stack.Stack, tmp_path: Path
) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    command = [sys.executable, "-m", "prefect", "work-pool", "inspect", "datastream"]
    found = subprocess.run(
        command, cwd=project, env=env | {"HOME": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert running.plain_prefect
    assert "type='process'" in found.stdout


def test_status_tells_who_runs_where_and_since_when(project: Path, running: stack.Stack) -> None:
    seen = {service.name: service for service in stack.status(project)}
    assert all(service.running and service.since for service in seen.values())
    assert seen["prefect"].address == running.prefect_url


def test_the_environment_names_what_a_process_needs(
    project: Path, running: stack.Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATASTREAM_LAKE_URI", "s3://elsewhere/lake")
    env = stack.environment(project, running)
    assert env["PREFECT_API_URL"] == f"{running.prefect_url}/api"
    assert env["DATASTREAM_REDIS_URL"] == running.redis_url
    assert env["DATASTREAM_LAKE_URI"] == "s3://elsewhere/lake"


@pytest.mark.usefixtures("running")
def test_down_leaves_the_data_and_nothing_else(project: Path) -> None:
    before = [pid for found in families(project).values() for pid in found]
    assert stack.down(project) == ["worker", "demo", "prefect", "valkey"]
    assert [pid for pid in before if Path(f"/proc/{pid}").exists()] == []
    assert not (project / ".datastream" / "stack.json").exists()
    assert not (project / "prefect.toml").exists()
    assert (project / ".datastream" / "valkey" / "appendonlydir").exists()
    assert stack.down(project) == []
