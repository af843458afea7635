"""A detached process, known by its pid and its birth, and its family, known by a mark in their environment.

A pid is never trusted alone: a process that was born at another moment is a stranger and is never signalled.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from datastream.errors import Permanent
from deployments.stack.waiting import wait_until

MARK = "DATASTREAM_STACK_SERVICE"  # flow runs get sessions of their own; what they inherit still names their service
GRACE = timedelta(seconds=10)
PROC = Path("/proc")
_LOOKS, _LOOK_AGAIN = 20, timedelta(milliseconds=5)


class StackNeedsLinux(Permanent):
    """Processes cannot be told apart here."""

    def __init__(self) -> None:
        super().__init__(
            f"The local stack needs Linux: there is no {PROC}/self/stat here. Run it in a container or WSL."
        )


@dataclass(frozen=True, slots=True)
class Process:
    """One process: `born` tells it from a later one with the same pid, `mark` names what it and its family serve."""

    pid: int
    born: str
    mark: str
    started: datetime

    @classmethod
    def unknown(cls, mark: str) -> "Process":
        """Stand for a process that nobody wrote down, whose family can still be found by its mark."""
        return cls(0, "", mark, datetime.now(UTC))

    def alive(self) -> bool:
        """Tell whether this very process still runs."""
        return self.exists() and _stat(self.pid).runs

    def exists(self) -> bool:
        """Tell whether the pid is still its own, which holds until it is reaped."""
        return bool(self.born) and _birth(self.pid) == self.born

    def exit_code(self) -> int | None:
        """Return how it ended, once it has and if it was started by us; asking reaps it, so it is told once."""
        if self.exists():
            with suppress(ChildProcessError):
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                return os.waitstatus_to_exitcode(status) if pid else None
        return None


def launch(command: Sequence[str], env: Mapping[str, str], *, mark: str, folder: Path, log: Path) -> Process:
    """Start `command` in a session of its own, so that it outlives us; what it says is appended to `log`."""
    if not (PROC / "self" / "stat").exists():
        raise StackNeedsLinux
    started = datetime.now(UTC)
    with log.open("ab") as said:
        said.write(f"\n--- {started:%Y-%m-%d %H:%M:%S} UTC, starting: {' '.join(command)}\n".encode())
        said.flush()
        child = subprocess.Popen(
            command,
            cwd=folder,
            env={**env, MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    born = _birth(child.pid)
    child.returncode = 0  # let go of it on purpose: a Popen that is collected while its process runs warns
    return Process(child.pid, born, mark, started)


def stop(process: Process, grace: timedelta = GRACE, drain: timedelta = timedelta()) -> None:
    """Ask the process and its family to end, insist after `grace`, and return when none of them is left.

    For as long as it may `drain`, only the process is asked, which sees to its family itself.
    """
    if drain and process.alive():
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, signal.SIGTERM)
        wait_until(lambda: not process.alive(), drain)
    _signal(process, signal.SIGTERM)
    if not wait_until(lambda: not family(process), grace):
        wait_until(lambda: not _signal(process, signal.SIGKILL), grace)
    process.exit_code()


def family(process: Process) -> list[int]:
    """List the living pids of its session, as long as the session is still its own, and all that bear its mark."""
    ours = process.exists()
    return [pid for pid, session in _living() if (ours and session == process.pid) or _marked(pid, process.mark)]


def _living() -> Iterator[tuple[int, int]]:
    for entry in PROC.iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            stat = _stat(int(entry.name))
            if stat.runs:
                yield int(entry.name), stat.session


def _marked(pid: int, mark: str) -> bool:
    with suppress(OSError):
        return f"{MARK}={mark}".encode() in _environment(PROC / str(pid)).split(b"\0")
    return False


def _environment(entry: Path) -> bytes:
    """Return the environment of a process. It reads empty while a program is just becoming another one."""
    for _ in range(_LOOKS):
        found = (entry / "environ").read_bytes()
        if found or not (entry / "exe").readlink().name:  # a thread of the kernel has no program, which raises OSError
            return found
        time.sleep(_LOOK_AGAIN.total_seconds())
    return b""


def _birth(pid: int) -> str:
    ticks = _stat(pid).ticks
    return ticks and f"{(PROC / 'sys/kernel/random/boot_id').read_text().strip()}/{ticks}"


class _Stat(NamedTuple):
    runs: bool
    session: int
    ticks: str


def _stat(pid: int) -> _Stat:
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return _Stat(runs=False, session=0, ticks="")
    state, session, threads, ticks = fields[0], fields[3], fields[17], fields[19]  # as proc(5) counts them
    # A killed process counts as a zombie while threads of it still hold its ports and files.
    return _Stat(runs=state not in "ZX" or int(threads) > 1, session=int(session), ticks=ticks)


def _signal(process: Process, number: signal.Signals) -> list[int]:
    pids = family(process)
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
    return pids
