"""Kills the process at a named step, so that tests can prove that a crash there loses and doubles nothing.

`CRASH_AT=name:probability[,...]` with names such as `decide.before` or `commit.after`, `*` as in a shell.
Inert without the variable.
"""

import os
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase

_VARIABLE = "CRASH_AT"


@contextmanager
def step(name: str) -> Iterator[None]:
    """Run a named step of the protocol, with a place to crash before and after it."""
    crash_point(f"{name}.before")
    yield
    crash_point(f"{name}.after")


def crash_point(name: str) -> None:
    """Send SIGKILL to this process if `CRASH_AT` says so; a kill is what no handler can soften."""
    wanted = os.environ.get(_VARIABLE)
    if not wanted:
        return
    for entry in wanted.split(","):
        pattern, _, probability = entry.partition(":")
        if fnmatchcase(name, pattern) and random.random() < float(probability or 1):  # noqa: S311 - a test's die
            os.kill(os.getpid(), signal.SIGKILL)
