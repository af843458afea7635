"""The local stack: up is repeatable, heals what died and keeps its data; down leaves nothing that runs."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from click.testing import CliRunner

from deployments import stack
from deployments.cli.stack import status
from deployments.stack import answers
from deployments.stack.home import Home
from deployments.stack.ledger import Ledger
from deployments.stack.plan import PORTS, services
from deployments.stack.ports import listeners
from deployments.stack.process import family
from deployments.stack.service import Absent
from deployments.stack.waiting import wait_until
from tests.prefect_api import ask

PLANNED = timedelta(seconds=30)


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


def runs(pid: int) -> bool:
    with suppress(OSError):
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())  # empty once it has ended, before its parent has noticed
    return False


def families(project: Path) -> dict[str, list[int]]:
    records = Ledger(project / ".datastream").read()
    return {name: family(record.process) for name, record in records.items()}


@pytest.fixture
def no_server_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("no_server_found")
def test_without_a_broker_the_stack_works_and_says_why(project: Path) -> None:
    said: list[str] = []
    found = stack.up(project, report=lambda progress: said.append(str(progress)))
    seen = {service.name: service for service in stack.status(project)}
    assert found.rabbitmq_url is None
    assert "apt-get install" in found.without_rabbitmq
    assert any("RabbitMQ is left out" in line for line in said)
    assert [name for name, service in seen.items() if not service.running] == ["rabbitmq"]
    assert seen["rabbitmq"].absent == found.without_rabbitmq
    assert "DATASTREAM_RABBITMQ_URL" not in stack.environment(project, found)


@pytest.mark.usefixtures("no_server_found")
def test_a_stack_may_plan_no_runs_and_the_next_up_brings_the_schedules_on(project: Path) -> None:
    """As `make run` needs it; a schedule that it had stopped would have rested for ever."""
    api = f"{stack.up(project, scheduled=False).prefect_url}/api"
    assert ask("GET", f"{api}/admin/settings")["server"]["services"]["scheduler"]["enabled"] is False
    flow = ask("POST", f"{api}/flows/", {"name": "nightly"})["id"]
    hourly = {"schedule": {"interval": 3600}, "active": True}
    made = ask("POST", f"{api}/deployments/", {"name": "nightly", "flow_id": flow, "schedules": [hourly]})["id"]
    stack.up(project)
    assert wait_until(lambda: ask("POST", f"{api}/flow_runs/filter", {"flows": {"id": {"any_": [flow]}}}), PLANNED)
    ask("DELETE", f"{api}/deployments/{made}")


@pytest.mark.usefixtures("no_server_found", "running")
def test_status_names_a_broker_that_is_left_out_and_counts_the_stack_as_whole(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATASTREAM_PROJECT", str(project))
    shown = CliRunner().invoke(status)
    assert "RabbitMQ is left out: No RabbitMQ server is installed" in shown.output
    assert shown.exit_code == 0


def test_the_next_up_finds_a_broker_that_there_is_by_now_and_tells_the_workers(
    project: Path, running: stack.Stack
) -> None:
    worker = Path(f"/proc/{pids(project)['workers']}/environ").read_text()
    assert f"DATASTREAM_RABBITMQ_URL={running.rabbitmq_url}" in worker.split("\0")
    assert answers.amqp(urlsplit(running.rabbitmq_url).port)


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
    assert all(heard[name] for name in ("valkey", "rabbitmq", "prefect", "demo", "gateway"))
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
    assert seen["workers"].address == "work pool 'datastream': 3"


def test_the_environment_names_what_a_process_needs(
    project: Path, running: stack.Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATASTREAM_LAKE_URI", "s3://elsewhere/lake")
    env = stack.environment(project, running)
    assert env["PREFECT_API_URL"] == f"{running.prefect_url}/api"
    assert env["DATASTREAM_REDIS_URL"] == running.redis_url
    assert env["DATASTREAM_RABBITMQ_URL"] == running.rabbitmq_url
    assert env["DATASTREAM_LAKE_URI"] == "s3://elsewhere/lake"


def test_a_broker_that_the_environment_names_is_kept_and_none_of_our_own_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATASTREAM_RABBITMQ_URL", "amqp://elsewhere")
    planned = {service.name: service for service in services(Home.of(tmp_path), PORTS)}
    assert isinstance(planned["rabbitmq"], Absent)
    assert planned["workers"].env["DATASTREAM_RABBITMQ_URL"] == "amqp://elsewhere"


@pytest.mark.usefixtures("running")
def test_down_leaves_the_data_and_nothing_else(project: Path) -> None:
    before = [pid for found in families(project).values() for pid in found]
    parts = ["keeper", "workers", "warm", "gateway", "demo", "prefect", "rabbitmq", "valkey"]
    assert stack.down(project) == parts
    assert [pid for pid in before if runs(pid)] == []
    assert not (project / ".datastream" / "stack.json").exists()
    assert not (project / "prefect.toml").exists()
    assert (project / ".datastream" / "valkey" / "appendonlydir").exists()
    assert stack.down(project) == []
