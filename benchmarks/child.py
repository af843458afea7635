"""Runs one candidate in a fresh process that measures itself, and takes its report.

Both sides of the file live here: `run` starts the process, `Stopwatch` is what the process measures itself with.
Whatever happens, Ctrl-C included, the process and all it started are gone when `run` returns.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.figures import Round
from datastream.errors import Permanent

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = timedelta(minutes=10)
FOREIGN = ("PREFECT_", "DATASTREAM_", "CRASH_AT")  # the caller's own settings must not decide what is measured
_LAST_LINES = 15
_REPORT = "report.json"
_KIBIBYTE = 1024


class CandidateFailed(Permanent):
    """A candidate did not do its job, or not all of it."""


def run(module: str, task: Mapping[str, Any], env: Mapping[str, str], folder: Path) -> Round:
    """Run `python -m module TASK` in `folder`, and return what it reported. Raises CandidateFailed."""
    log, report = folder / "said.log", folder / _REPORT
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    asked = json.dumps({**task, "folder": str(folder), "launched": time.monotonic()})
    with log.open("wb") as said:
        child = subprocess.Popen(
            [sys.executable, "-m", module, asked],
            env=inherited | {"PYTHONPATH": str(ROOT)} | dict(env),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches us alone, and what it starts can be ended with it
        )
        code = _ended(child)
    if code or not report.exists():
        end = "\n".join(log.read_text(errors="replace").strip().splitlines()[-_LAST_LINES:])
        raise CandidateFailed(f"{module} ended with exit code {code} and measured nothing. It said at last:\n{end}")
    return _round(json.loads(report.read_text()))


def _ended(child: "subprocess.Popen[bytes]") -> int:
    """Wait for the process; if it is late or we are stopped, kill it with all it started."""
    try:
        return child.wait(PATIENCE.total_seconds())
    except subprocess.TimeoutExpired:
        raise CandidateFailed(f"{child.args!r} was not done after {PATIENCE}. Is the machine busy?") from None
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _round(report: Mapping[str, Any]) -> Round:
    took, returned, whole = (timedelta(seconds=report[name]) for name in ("seconds", "returned", "whole"))
    return Round(report["records"], took, returned, whole, report["peak_bytes"])


def asked() -> dict[str, Any]:
    """Return, in the child, the task it was given."""
    task: dict[str, Any] = json.loads(sys.argv[1])
    return task


class Stopwatch:
    """Measures the job in the child: from `start`, when all imports are done, to `done` and to `returned`."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        self._task = task
        self._started = self._done = self._returned = 0.0
        self._peak_bytes = 0

    def start(self) -> None:
        """Begin the time that counts."""
        self._started = time.monotonic()

    def done(self) -> None:
        """End it: what was asked for is there."""
        self._done = time.monotonic()

    def returned(self) -> None:
        """End all measuring. Memory is read here, so that checking the result costs neither time nor memory."""
        self._returned = time.monotonic()
        own, started = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        self._peak_bytes = max(own.ru_maxrss, started.ru_maxrss) * _KIBIBYTE

    def report(self, records: int) -> None:
        """Hand over what was measured, for so many records that were found where they belong."""
        figures = {
            "records": records,
            "seconds": self._done - self._started,
            "returned": self._returned - self._started,
            "whole": self._returned - self._task["launched"],
            "peak_bytes": self._peak_bytes,
        }
        (Path(self._task["folder"]) / _REPORT).write_text(json.dumps(figures))
