"""A real Prefect server with a pool whose runs cost nearly nothing, and supervisors of its workers."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deployments.stack import prefect_server, valkey
from deployments.stack.process import family, launch
from deployments.stack.waiting import wait_until
from deployments.workers.children import children
from tests.commands import DATASTREAM, run
from tests.prefect_api import ask
from tests.workers.child import POOL

ROOT = Path(__file__).resolve().parents[2]
RUN = Path(__file__).with_name("quick_run.py")
SOON = timedelta(seconds=60)


@dataclass
class Server:
    """The Prefect server, and what is asked of it."""

    url: str
    deployment: str = ""

    def ask(self, path: str, **wanted: Any) -> Any:
        return ask("POST", f"{self.url}{path}", wanted)

    def change(self, path: str, **wanted: Any) -> None:
        ask("PATCH", f"{self.url}{path}", wanted)

    def start(self, seconds: float) -> str:
        """Have a run that lasts so long, as soon as a worker takes it."""
        command = {"command": f"{sys.executable} {RUN} {seconds}"}
        path = f"/deployments/{self.deployment}/create_flow_run"
        return self.ask(path, state={"type": "SCHEDULED"}, job_variables=command)["id"]

    def schedule(self, name: str, pool: str, **more: Any) -> None:
        """Have a run that has been due for an hour in another pool, where no worker is."""
        flow = self.ask("/flows/", name="nap")["id"]
        deployed = self.ask("/deployments/", name=name, flow_id=flow, work_pool_name=pool, entrypoint="x.y", **more)[
            "id"
        ]
        due = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": due}}
        self.ask(f"/deployments/{deployed}/create_flow_run", state=state)

    def loads(self, pool: str, stream: str, **more: Any) -> None:
        """Have a deployment that loads a stream."""
        flow = self.ask("/flows/", name="etl-pipeline")["id"]
        about = {"flow_id": flow, "work_pool_name": pool, "entrypoint": "x.y", "parameters": {"stream": stream}}
        self.ask("/deployments/", name=f"{pool}-{stream}", **about, **more)

    def state(self, run: str) -> str:
        [state] = self.states(run)
        return state

    def states(self, *runs: str) -> set[str]:
        return {found["state"]["type"] for found in self.ask("/flow_runs/filter", flow_runs={"id": {"any_": runs}})}

    def pool(self, name: str, kind: str = "process") -> str:
        if not self.ask("/work_pools/filter", work_pools={"name": {"any_": [name]}}):
            self.ask("/work_pools/", name=name, type=kind)
        return name


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with prefect_server(tmp_path_factory.mktemp("prefect")) as url:
        server = Server(url)
        server.pool(POOL)
        flow = server.ask("/flows/", name="quick")["id"]
        made = server.ask("/deployments/", name="quick", flow_id=flow, work_pool_name=POOL, entrypoint="x.y")
        server.deployment = made["id"]
        yield server


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    with valkey(tmp_path / "valkey") as url:
        yield url


@dataclass
class Shop:
    """A project without streams, whose workers are supervised."""

    folder: Path
    server: Server
    env: dict[str, str] = field(default_factory=dict)

    def supervise(self, least: int, most: int, *more: int) -> "Supervised":
        words = ("-m", "tests.workers.child", *map(str, (least, most, *more)))
        log, mark = self.folder / "said.log", f"workers@{self.folder}"
        return Supervised(launch((sys.executable, *words), self.env, mark=mark, folder=ROOT, log=log), log)

    def command(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run `datastream`."""
        return run(DATASTREAM, *words, env={**self.env, **env})


@dataclass
class Supervised:
    """A supervisor that runs."""

    process: Any
    log: Path

    @property
    def workers(self) -> list[int]:
        return children(self.process.pid)

    def has(self, count: int) -> bool:
        return len(self.workers) == count

    def said(self, text: str) -> bool:
        return text in self.log.read_text()

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def end(self) -> int | None:
        """Wait until neither it nor any worker or run of it is left, and return its exit code."""
        assert wait_until(lambda: not family(self.process), SOON), self.log.read_text()
        return self.process.exit_code()


@pytest.fixture
def shop(server: Server, tmp_path: Path) -> Shop:
    for name in ("streams", "expectations"):
        (tmp_path / name).mkdir()
    ours = {
        "PREFECT_API_URL": server.url, "PREFECT_HOME": str(tmp_path / "prefect"), "DATASTREAM_PROJECT": str(tmp_path),
        "PREFECT_WORKER_QUERY_SECONDS": "0.5", "DO_NOT_TRACK": "1", "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    foreign = ("PREFECT_", "DATASTREAM_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return Shop(tmp_path, server, inherited | ours)


@pytest.fixture
def begun(shop: Shop) -> Iterator[Callable[..., Supervised]]:
    """Begin supervisors; none of them, and nothing they began, is left."""
    all_: list[Supervised] = []

    def begin(least: int, most: int, *more: int) -> Supervised:
        all_.append(shop.supervise(least, most, *more))
        return all_[-1]

    yield begin
    for one in all_:
        for pid in family(one.process):
            os.kill(pid, signal.SIGKILL)
        one.end()
