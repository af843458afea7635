"""The processes that a process has started: who has none is idle, and a signal reaches them group by group."""

import os
import signal
from contextlib import suppress
from pathlib import Path


def children(pid: int) -> list[int]:
    """List the processes that `pid` has started itself and that it has not yet seen end."""
    found: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return found


def tell(pid: int, number: signal.Signals) -> None:
    """Send a signal to a child that leads a group, and to its group: what Prefect starts listens there only."""
    with suppress(ProcessLookupError, PermissionError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
