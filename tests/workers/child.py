"""`python -m tests.workers.child LEAST MOST [PORT]`: supervises as `datastream workers` does, and more hastily.

While the file $PLANTED is there, its worker is told by the server that all is wrong, by the status that the file says.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound

from datastream.clock import SystemClock
from datastream.settings import Settings
from deployments.backlog import look
from deployments.workers.policy import ScalingPolicy
from deployments.workers.supervisor import supervise

POOL = "quick"
_NOT_FOUND = 404


def plant(file: Path) -> None:
    """Let a worker's two questions before it begins a run be answered so."""
    for name in ("get_scheduled_flow_runs_for_work_pool", "read_deployment"):
        setattr(PrefectClient, name, _planted(name, getattr(PrefectClient, name), file))


def _planted(name: str, asked: Any, file: Path) -> Any:
    async def ask(client: PrefectClient, *words: Any, **named: Any) -> Any:
        wrong = _wrong(name, file)
        if wrong is None:
            return await asked(client, *words, **named)
        raise wrong

    return ask


def _wrong(name: str, file: Path) -> Exception | None:
    status, only = file.read_text().split() if file.exists() else ("", "")
    if only != name:
        return None
    request = httpx.Request("GET", "http://planted")
    wrong = httpx.HTTPStatusError(status, request=request, response=httpx.Response(int(status), request=request))
    return ObjectNotFound(wrong) if int(status) == _NOT_FOUND else wrong


def main(least: int, most: int, port: int | None = None) -> None:
    """Run until SIGTERM. A worker has $LIMIT runs at most."""
    limit = int(os.environ.get("LIMIT", "1"))
    policy = ScalingPolicy(least, most, limit, grows_after=timedelta(seconds=1), shrinks_after=timedelta(seconds=3))
    settings = Settings.read()
    address = ("127.0.0.1", port) if port else None
    half = timedelta(seconds=0.5)
    fine = supervise(POOL, policy, lambda: look(settings, POOL), address, SystemClock(), print, half)
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    if "PLANTED" in os.environ:
        plant(Path(os.environ["PLANTED"]))
    main(*map(int, sys.argv[1:]))
