"""The Prefect server on SQLite, and the worker that runs its flows. Nothing of either leaves this machine."""

import sys
from collections.abc import Mapping
from pathlib import Path

from deployments.stack import answers
from deployments.stack.missed import put_right
from deployments.stack.ports import LOOPBACK
from deployments.stack.service import Service

SERVER = "prefect"
WORKER = "worker"
PORT = 4200
POOL = "datastream"
WORKER_NAME = "local"
PREFECT = (sys.executable, "-m", "prefect")

QUIET: Mapping[str, str] = {
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",  # a client that misses its server must say so, not start another
    "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",  # a pickle runs code when it is read
    "PREFECT_CLI_PROMPT": "false",
}
UNSCHEDULED: Mapping[str, str] = {"PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false"}


def server_service(home: Path, log: Path, mark: str, port: int, *, scheduled: bool = True) -> Service:
    """Describe a server on `port` whose database lives in `home`; without `scheduled` it plans no runs."""
    url = f"http://{LOOPBACK}:{port}"
    return Service(
        name=SERVER,
        title="Prefect server",
        command=(*PREFECT, "server", "start", "--host", LOOPBACK, "--port", str(port)),
        env={**QUIET, "PREFECT_HOME": str(home), "PREFECT_API_URL": f"{url}/api", **({} if scheduled else UNSCHEDULED)},
        folder=home,
        log=log,
        mark=mark,
        address=url,
        port=port,
        works=lambda _process: answers.http(port, "/api/health"),
    )


def worker_service(project: Path, log: Path, mark: str, port: int, env: Mapping[str, str]) -> Service:
    """Describe the process worker of the pool, which it creates if it is missing; it works for the server on `port`."""
    start = ("worker", "start", "--pool", POOL, "--type", "process", "--name", WORKER_NAME)
    return Service(
        name=WORKER,
        title="Worker",
        command=(*PREFECT, *start, "--install-policy", "never"),
        env={**env, "PREFECT_WORKER_QUERY_SECONDS": "2"},
        folder=project,
        log=log,
        mark=mark,
        address=f"work pool {POOL!r}",
        port=None,
        works=lambda process: answers.worker(port, POOL, WORKER_NAME, process),
        after=(SERVER,),
        before=lambda: put_right(port, POOL),
    )
