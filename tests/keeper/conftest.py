"""What the tests of the keeper share: a Prefect server, a deployment that loads a stream, and a keeper's parts."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from pydantic import SecretStr

from datastream.buffers.connection import connect
from datastream.clock import SystemClock
from datastream.connections import BufferConfig
from datastream.resilience import RetryPolicy
from deployments import POOL
from deployments.keeper import Repair, Server
from deployments.keeper.zombies import Patience
from deployments.stack.answers import ask
from deployments.stack.ports import reserved
from deployments.stack.prefect_server import PREFECT, server_service
from deployments.stack.process import Process, stop
from deployments.stack.service import Service
from deployments.stack.starter import Starter, silent
from deployments.stack.waiting import wait_until
from tests.conftest import orders
from tests.fake_api import FakeApi, Response
from tests.flows.conftest import ROOT, Project, project, redis_url  # noqa: F401 - fixtures

OFTEN = {
    "PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS": "2",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ORPHAN_CLEANUP_LOOP_SECONDS": "2",
    "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_CANCELLING_TIMEOUT_SECONDS": "2",
}
"""How often a server looks for what is old or stuck; an hour, a day and a minute are too long for a test."""
HASTY = Patience(
    gone=timedelta(seconds=1), silence=timedelta(seconds=3), heartbeat=timedelta(seconds=1),
    pending=timedelta(seconds=1), settled=timedelta(),
)  # fmt: skip
"""Three seconds without a heartbeat is death; so is one without a connection."""


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server of these tests keeps its database."""
    return tmp_path_factory.mktemp("prefect").resolve()


@pytest.fixture(scope="session")
def prefect_api(prefect_home: Path) -> Iterator[str]:
    with reserved(14200) as port:
        service = server_service(prefect_home, prefect_home / "server.log", f"alone@{prefect_home}", port)
        service = replace(service, env={**service.env, **OFTEN})
        process = Starter([service], {}, lambda _records: None, silent, SystemClock()).run()["prefect"].process
    yield f"{service.address}/api"
    stop(process)


class Patient(Server):
    """On SQLite a server that is busy answers 503. The keeper asks again with its next look; tests at once."""

    def delete(self, path: str) -> None:
        self._ask("DELETE", path, None)

    def _ask(self, method: str, path: str, body: Any) -> Any:
        return RetryPolicy(attempts=8).call(lambda: super(Patient, self)._ask(method, path, body))


@pytest.fixture
def server(project: Project) -> Iterator[Patient]:  # noqa: F811
    found = Patient(project.prefect_api)
    yield found
    found.close()


@pytest.fixture
def client(project: Project) -> Iterator[redis.Redis]:  # noqa: F811
    with connect(BufferConfig(url=SecretStr(project.redis_url)), "keeper-of-a-test") as found:
        yield found


@pytest.fixture
def repair(server: Server, client: redis.Redis) -> Repair:
    return Repair(server, client, SystemClock(), HASTY)


@dataclass
class Deployed:
    """A deployment that loads a stream."""

    server: Server
    id: str

    def start(self) -> str:
        """Ask for a run, and return its id."""
        id_: str = self.server.post(f"/deployments/{self.id}/create_flow_run", {"state": {"type": "SCHEDULED"}})["id"]
        return id_

    def runs(self, *states: str) -> list[dict[str, Any]]:
        """Return its runs, the newest first, in these states if any are named."""
        wanted: dict[str, Any] = {"deployment_id": {"any_": [self.id]}}
        if states:
            wanted["state"] = {"type": {"any_": states}}
        found = self.server.all("/flow_runs/filter", {"flow_runs": wanted})
        return sorted(found, key=lambda run: run["created"], reverse=True)

    def run(self, id_: str) -> dict[str, Any]:
        found: dict[str, Any] = self.server.get(f"/flow_runs/{id_}")
        return found


def deploy(server: Server, stream: str = "orders", flow: str = "etl-pipeline", **more: Any) -> Deployed:
    """Create the deployment of a stream, as `prefect deploy` would."""
    module = flow.replace("-", "_")
    asked = {
        "name": stream,
        "flow_id": server.post("/flows/", {"name": flow})["id"],
        "entrypoint": f"flows.{module}.{module}",
        "work_pool_name": POOL,
        "parameters": {"stream": stream},
        **more,
    }
    return Deployed(server, server.post("/deployments/", asked)["id"])


@pytest.fixture
def deployed(server: Patient) -> Iterator[Deployed]:
    """The deployment of `orders`, with one slot for its runs; nothing is left of it."""
    if not server.post("/work_pools/filter", {"work_pools": {"name": {"any_": [POOL]}}}):
        server.post("/work_pools/", {"name": POOL, "type": "process"})
    found = deploy(server, concurrency_limit=1)
    yield found
    remove(server, found)


def remove(server: Patient, deployed: Deployed) -> None:
    """Delete a deployment and its runs."""
    for run in deployed.runs():
        server.delete(f"/flow_runs/{run['id']}")
    server.delete(f"/deployments/{deployed.id}")


def online(port: int, process: Process) -> bool:
    _, there = ask(port, "POST", f"/api/work_pools/{POOL}/workers/filter", {})
    return any(datetime.fromisoformat(found["last_heartbeat_time"]) >= process.started for found in there or [])


@contextmanager
def worker(project: Project) -> Iterator[Process]:  # noqa: F811
    """Run one process worker of Prefect's own, which nobody replaces."""
    port = urlsplit(project.prefect_api).port or 0
    service = Service(
        name="worker",
        title="Worker",
        command=(*PREFECT, "worker", "start", "--pool", POOL, "--name", "alone", "--install-policy", "never"),
        env={**project.environment, "PREFECT_WORKER_QUERY_SECONDS": "2"},
        folder=ROOT,
        log=project.folder / "worker.log",
        mark=f"worker@{project.folder}",
        address="",
        port=None,
        works=lambda process: online(port, process),
    )
    process = Starter([service], {}, lambda _records: None, silent, SystemClock()).run()["worker"].process
    try:
        yield process
    finally:
        stop(process)


@contextmanager
def by_hand(project: Project, code: str, **env: str) -> Iterator[subprocess.Popen[str]]:  # noqa: F811
    """Run lines of Python with Prefect's server and the buffer."""
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**project.environment, "PATH": "/usr/bin:/bin", "PREFECT_HOME": str(project.folder / "prefect"), **env},
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def soon(condition: Callable[[], object], seconds: float = 60) -> None:
    assert wait_until(lambda: bool(condition()), timedelta(seconds=seconds))


@pytest.fixture
def hanging(api: FakeApi) -> Iterator[threading.Event]:
    """The API holds its third page back until this is set."""
    api.records = orders(300)
    released = threading.Event()

    def fault(target: str) -> Response | None:
        if "page=3" in target:
            released.wait()
        return None

    api.fault = fault
    yield released
    released.set()
