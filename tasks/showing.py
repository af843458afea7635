"""What a run shows of itself in the Prefect UI is for people: a server that is away costs the picture, never the run.

Prefect's client tries again by itself, so nothing is tried again here; the breaker spares the run from waiting for a
server that keeps failing, and is shared with all workers.
"""

from collections.abc import Callable
from typing import TypeVar

import httpx
from prefect import get_run_logger
from prefect.settings import PREFECT_UI_URL

from datastream.clock import SystemClock
from datastream.errors import Transient
from datastream.resilience import DEFAULT, BreakerStates, Dependency, MemoryStates, RetryPolicy

T = TypeVar("T")


class PrefectAway(Transient):
    """The Prefect server does not take what a run wants to show."""


class Showing:
    """The Prefect server, as the place where a run shows something."""

    def __init__(self, states: BreakerStates | None = None) -> None:
        once = RetryPolicy(attempts=1)
        self._dependency = Dependency("prefect", DEFAULT, states or MemoryStates(), SystemClock(), once)

    def __call__(self, action: Callable[[], T]) -> T | None:
        """Return what `action` returns; None, with a line in the log, where the server does not answer."""
        try:
            return self._dependency.call(lambda: _asked(action))
        except Transient as error:
            get_run_logger().warning("This is not shown in the Prefect UI: %s", error)
            return None


def runs_at() -> str | None:
    """Return what the address of a run in the Prefect UI begins with; None where no UI is known."""
    ui = PREFECT_UI_URL.value()
    return f"{ui.rstrip('/')}/runs/flow-run/" if ui else None


def _asked(action: Callable[[], T]) -> T:
    try:
        return action()
    except httpx.HTTPStatusError as error:
        if not error.response.is_server_error:
            raise
        raise PrefectAway(f"The Prefect server answered {error.response.status_code}.") from error
    except httpx.TransportError as error:
        raise PrefectAway(f"The Prefect server gave no answer: {error or type(error).__name__}.") from error
