"""Work pools with a process worker each on a real server, and runs in them. Everything is gone when a block is left."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import urllib3

from benchmarks.child import FOREIGN, ROOT, CandidateFailed
from datastream.clock import SystemClock
from deployments.stack.prefect_server import QUIET
from deployments.stack.process import MARK, Process, stop
from deployments.stack.starter import Starter, silent
from deployments.stack.waiting import wait_until
from deployments.stack.warm_starts import warm_service

_PATH = "PYTHONPATH"  # parent and worker have to agree on it
_PATIENCE, _ANSWER_SECONDS = timedelta(minutes=2), 20.0
_BUSY = urllib3.Retry(6, status_forcelist=[503], allowed_methods=None, backoff_factor=0.2, raise_on_status=False)
_DONE = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
_PULL = [{"prefect.deployments.steps.set_working_directory": {"directory": "."}}]


@dataclass(frozen=True, slots=True)
class Pools:
    """A server, and a folder that is also the project whose warm parent serves."""

    api: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What workers and the parent are started with; nothing of the caller's settings is among it."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith((*FOREIGN, MARK))}
        ours = {
            "PREFECT_API_URL": self.api,
            "PREFECT_HOME": str(self.folder / "prefect"),
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "DATASTREAM_PROJECT": str(self.folder),
            _PATH: str(ROOT),
        }
        return {**inherited, **QUIET, **ours}

    @contextmanager
    def parent(self) -> Iterator[Process]:
        """Run the warm parent of this project."""
        service = warm_service(self.folder, self.folder / "warm.log", f"warm@{self.folder}")
        service = replace(service, env={**service.env, _PATH: str(ROOT)})
        records = Starter([service], {}, lambda _records: None, silent, SystemClock()).run()
        process = records["warm"].process
        try:
            if not process.born:
                raise CandidateFailed(f"The warm parent did not start:\n{service.last_words()}")
            yield process
        finally:
            stop(process)

    @contextmanager
    def worker(self, pool: str, *, warm: bool, **env: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Make a pool, and run a stock process worker for it."""
        self.ask("POST", "/work_pools/", name=pool, type="process", base_job_template={})
        log = self.folder / f"worker-{pool}.log"
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool, "--install-policy", "never"]
        with log.open("ab") as said:
            worker = subprocess.Popen(
                command, cwd=self.folder, env={**self.environment, **env}, stdin=subprocess.DEVNULL, stdout=said,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        try:
            self._until(lambda: bool(self.ask("POST", f"/work_pools/{pool}/workers/filter")), f"a worker of {pool}")
            if warm:
                self.wire(pool)
            yield worker
        finally:
            if worker.poll() is None:
                worker.send_signal(signal.SIGTERM)
            worker.wait()

    def wire(self, pool: str) -> None:
        """Have the pool ask for warm starts, as a person would."""
        command = [sys.executable, "-m", "deployments.cli", "warm", "--wire", pool]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True, capture_output=True)

    def deploy(self, pool: str, entrypoint: str, **job_variables: Any) -> str:
        """Deploy a flow by its dotted entrypoint, and return the deployment's id."""
        flow = self.ask("POST", "/flows/", name=entrypoint.rpartition(".")[2])
        wanted = {"pull_steps": _PULL, "work_pool_name": pool, "job_variables": job_variables}
        made = self.ask("POST", "/deployments/", name=pool, flow_id=flow["id"], entrypoint=entrypoint, **wanted)
        return str(made["id"])

    def start(self, deployment: str, **wanted: Any) -> str:
        """Ask for a run, and return its id."""
        return str(self.ask("POST", f"/deployments/{deployment}/create_flow_run", **wanted)["id"])

    def wait(self, run: str, state: str = "") -> dict[str, datetime]:
        """Wait until a run is in a state, by default a final one; return when it came to each of its states."""
        wanted = {state} if state else _DONE
        self._until(lambda: bool(wanted & self.states(run).keys()), f"run {run}")
        return self.states(run)

    def states(self, run: str) -> dict[str, datetime]:
        """Return when a run came to each of its states."""
        found = self.ask("GET", f"/flow_run_states/?flow_run_id={run}")
        return {each["type"]: datetime.fromisoformat(each["timestamp"]) for each in found}

    def logs(self, run: str) -> list[str]:
        """Return what a run has logged, as the UI shows it."""
        found = self.ask("POST", "/logs/filter", logs={"flow_run_id": {"any_": [run]}}, sort="TIMESTAMP_ASC")
        return [each["message"] for each in found]

    def ask(self, method: str, path: str, **said: Any) -> Any:
        """Ask the server."""
        body = {} if method == "GET" else {"json": said}
        answer = urllib3.request(method, f"{self.api}{path}", retries=_BUSY, timeout=_ANSWER_SECONDS, **body)
        if answer.status >= 400:  # noqa: PLR2004 - HTTP's own number
            raise CandidateFailed(
                f"The Prefect server answered {answer.status} to {method} {path}: {answer.data[:300]!r}"
            )
        return answer.json() if answer.data else None

    def _until(self, condition: Any, what: str) -> None:
        if not wait_until(condition, _PATIENCE):
            logs = "\n".join(
                f"{log.name}: {log.read_text(errors='replace')[-1500:]}" for log in self.folder.glob("*.log")
            )
            raise CandidateFailed(f"Waited {_PATIENCE} for {what} and saw nothing.\n{logs}")


def waited(states: Mapping[str, datetime]) -> timedelta:
    """Return how long a run was pending. Raises CandidateFailed if it did not complete."""
    if "COMPLETED" not in states or "RUNNING" not in states:
        raise CandidateFailed(f"A run ended as {', '.join(states)}, so how it started says nothing.")
    return states["RUNNING"] - states["PENDING"]
