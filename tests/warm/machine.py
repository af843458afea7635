"""A parent with a door of its own, and clients that ask it for runs, without Prefect."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from deployments.stack.waiting import wait_until
from deployments.warm import place
from deployments.warm.door import who_answers

ROOT = Path(__file__).resolve().parents[2]
SOON = timedelta(seconds=20)


class Machine:
    def __init__(self, folder: Path, path: str = "") -> None:
        self.folder = folder
        self.log = folder / "parent.log"
        self.environment = {
            "PATH": os.environ["PATH"], "DATASTREAM_PROJECT": str(folder),
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [path])]),
        }  # fmt: skip
        self.parent: subprocess.Popen[bytes] | None = None

    @contextmanager
    def serving(self, **env: str) -> Iterator["Machine"]:
        try:
            self.start(**env)
            yield self
        finally:
            self.stop()

    def start(self, **env: str) -> None:
        with self.log.open("ab") as said:
            command = [sys.executable, "-m", "tests.warm.parent"]
            self.parent = subprocess.Popen(
                command, env={**self.environment, **env}, cwd=self.folder, stdout=said, stderr=said,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        self.await_door()

    def await_door(self) -> None:
        here = str(self.folder)
        assert wait_until(lambda: who_answers(here) == self.parent.pid, SOON), self.log.read_text()

    def stop(self, number: int = signal.SIGTERM) -> None:
        with suppress(ProcessLookupError):
            self.parent.send_signal(number)
        self.parent.wait()

    def begin(self, work: str, *, cwd: Path | None = None, **env: str) -> "subprocess.Popen[str]":
        """Start a client; when its run prints a line, it has begun."""
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "deployments.warm"], env={**self.environment, "WORK": work, **env},
            cwd=cwd or self.folder, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, work: str, given: str = "", **how: Any) -> "subprocess.CompletedProcess[str]":
        with self.begin(work, **how) as client:
            out, said = client.communicate(given, timeout=60)
        return subprocess.CompletedProcess(client.args, client.returncode, out, said)

    @property
    def door(self) -> Path:
        return Path(place.address(str(self.folder)))


def runs(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def gone(pid: int) -> bool:
    return wait_until(lambda: not runs(pid), SOON)
