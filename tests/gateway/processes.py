"""The command `datastream gateway` as a process of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx

from deployments.stack.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
SOON = timedelta(seconds=20)


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "deployments.cli", "gateway", *words]


def environment(project: Path, **more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "DATASTREAM_"))}
    return {**inherited, "PYTHONPATH": str(ROOT), "DATASTREAM_PROJECT": str(project), "COLUMNS": "160", **more}


@dataclass
class Running:
    """One gateway. What it says is in `log`."""

    process: subprocess.Popen[bytes]
    log: Path
    url: str = field(default="")

    def said(self) -> str:
        return self.log.read_text()

    def answers(self, path: str) -> bool:
        """Tell whether it is as it should be; where it listens is what it said itself."""
        found = re.search(r"Taking webhooks at (http://\S+:\d+)", self.said())
        self.url = found[1] if found else ""
        try:
            return bool(self.url) and httpx.get(self.url + path).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


@contextmanager
def a_gateway(
    project: Path, redis_url: str, *words: str, port: int = 0, until: str = "/health/ready", **env: str
) -> Iterator[Running]:
    """Run one until the block is left."""
    log = project / "gateway.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            command("--port", str(port), *words),
            env=environment(project, DATASTREAM_REDIS_URL=redis_url, **env),
            cwd=ROOT,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    with process:
        running = Running(process, log)
        try:
            assert wait_until(lambda: running.answers(until), SOON), running.said()
            yield running
        finally:
            process.kill()
