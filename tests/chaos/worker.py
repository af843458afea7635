"""A worker as its keeper sees it: started, stopped, woken, and asked how it ended."""

import os
import signal
from contextlib import suppress
from datetime import timedelta
from multiprocessing.connection import wait
from pathlib import Path
from threading import Lock

from deployments.stack.waiting import wait_until
from tests.chaos import child
from tests.forks import forks

_PATIENCE = 60
_asking = Lock()
"""Whoever starts a process asks how all others ended, and of two threads that ask only one is told."""


class Worker:
    """A process that drains the stream once."""

    def __init__(self, job: child.Job) -> None:
        self.job = job
        self._process = forks().Process(target=child.run, args=(job,))
        with _asking:
            self._process.start()

    @property
    def alive(self) -> bool:
        with _asking:
            return self._process.is_alive()

    @property
    def asleep(self) -> bool:
        """Tell whether it is stopped."""
        with suppress(OSError):
            return Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        return False

    def stop(self) -> None:
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        self._signal(signal.SIGCONT)

    def falls_asleep(self) -> bool:
        """Wait until it stops or ends; return whether it stopped."""
        wait_until(lambda: self.asleep or not self.alive, timedelta(seconds=_PATIENCE))
        return self.asleep

    def ended(self) -> str:
        """Wait for its end, and say how it was: done, killed, gave up, broke, stuck, or what nobody foresaw."""
        wait([self._process.sentinel], _PATIENCE)
        with _asking:
            self._process.join(0)
            code = self._process.exitcode
            if code is None:
                self._process.kill()
                self._process.join()
                return "stuck"
        ends = {0: "done", -signal.SIGKILL: "killed", child.GAVE_UP: "gave up", child.BROKEN: "broke"}
        return ends.get(code, f"exit code {code}")

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._process.pid or 0, number)
