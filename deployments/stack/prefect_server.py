"""The Prefect server on SQLite, and the workers that run its flows. Nothing of either leaves this machine."""

import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from deployments import POOL
from deployments.stack import answers
from deployments.stack.missed import put_right
from deployments.stack.ports import LOOPBACK
from deployments.stack.service import Service

SERVER = "prefect"
WORKERS = "workers"
PORT = 4200
DRAIN = timedelta(seconds=30)
"""So long runs are waited for when their workers are stopped."""
PREFECT = (sys.executable, "-m", "prefect")
SERVER_START = (sys.executable, "-m", "deployments.stack.same_machine", "server", "start")

QUIET: Mapping[str, str] = {
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",  # a client that misses its server must say so, not start another
    "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",  # a pickle runs code when it is read
    "PREFECT_CLI_PROMPT": "false",
}
KEPT: Mapping[str, str] = {
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",  # with them go their tasks, logs and artifacts
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": "P30D",
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P30D",
}
"""How long the server keeps what it knows. What the caller's environment says of them counts more."""
CANCELLED_AFTER = {"PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_CANCELLING_TIMEOUT_SECONDS": "60"}
"""When a run whose worker is dead, so that nobody stops it, counts as cancelled."""
UNSCHEDULED: Mapping[str, str] = {"PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false"}


def server_service(home: Path, log: Path, mark: str, port: int, *, scheduled: bool = True) -> Service:
    """Describe a server on `port` whose database lives in `home`; without `scheduled` it plans no runs."""
    url = f"http://{LOOPBACK}:{port}"
    return Service(
        name=SERVER,
        title="Prefect server",
        command=(*SERVER_START, "--host", LOOPBACK, "--port", str(port)),
        env={
            **QUIET,
            **CANCELLED_AFTER,
            **{name: os.environ.get(name, value) for name, value in KEPT.items()},
            "PREFECT_HOME": str(home),
            "PREFECT_API_URL": f"{url}/api",
            **({} if scheduled else UNSCHEDULED),
        },
        folder=home,
        log=log,
        mark=mark,
        address=url,
        port=port,
        works=lambda _process: answers.http(port, "/api/health"),
    )


def workers_service(project: Path, log: Path, mark: str, port: int, env: Mapping[str, str]) -> Service:
    """Describe the workers of the pool, which they create if it is missing; they work for the server on `port`."""
    return Service(
        name=WORKERS,
        title="Workers",
        command=(sys.executable, "-m", "deployments.cli", "workers", "--pool", POOL),
        env=env,
        folder=project,
        log=log,
        mark=mark,
        address=f"work pool {POOL!r}",
        port=None,
        works=lambda process: answers.workers(port, POOL, process),
        after=(SERVER,),
        before=lambda: put_right(port, POOL),
        drain=DRAIN,
    )
