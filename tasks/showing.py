"""What a run shows of itself in the Prefect UI is for people: a server that is away costs the picture, never the run.

Prefect's client tries again by itself, for about a minute, so nothing is tried again here; the breaker spares the run
from waiting for a server that keeps failing, and is shared with all workers. Between two commits nobody waits so long.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import cached_property
from typing import TypeVar

import httpx
from prefect import get_run_logger
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.context import SettingsContext, get_settings_context
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, PREFECT_UI_URL, Settings

from datastream.clock import Clock, SystemClock
from datastream.errors import Transient
from datastream.resilience import DEFAULT, BreakerStates, Dependency, MemoryStates, RetryPolicy

T = TypeVar("T")
_BRIEF = timedelta(seconds=3)
"""For one answer; it is asked for twice."""
_REST = timedelta(minutes=2)
"""After a failure. A server that hangs takes 8 s of each."""


class PrefectAway(Transient):
    """The Prefect server does not take what a run wants to show."""


class Showing:
    """The Prefect server, as the place where a run shows something."""

    def __init__(self, states: BreakerStates | None = None, clock: Clock | None = None) -> None:
        once, self._clock, self._rests_until = RetryPolicy(attempts=1), clock or SystemClock(), 0.0
        self._dependency = Dependency("prefect", DEFAULT, states or MemoryStates(), self._clock, once)

    def __call__(self, action: Callable[[], T]) -> T | None:
        """Return what `action` returns; None, with a line in the log, where the server does not answer."""
        try:
            return self._dependency.call(lambda: _asked(action))
        except Transient as error:
            self._rests_until = self._clock.monotonic() + _REST.total_seconds()
            get_run_logger().warning("This is not shown in the Prefect UI: %s", error)
            return None

    def briefly(self, action: Callable[[SyncPrefectClient], T]) -> T | None:
        """Return what `action` does with a client that gives up within seconds, as above.

        When the server gave no answer this is left for a while, without a word: the run has better things to do.
        """
        if self._clock.monotonic() < self._rests_until:
            return None

        def asked() -> T:
            with SettingsContext(profile=get_settings_context().profile, settings=self._hasty):
                return action(self._client)

        return self(asked)

    @cached_property
    def _hasty(self) -> Settings:
        return get_settings_context().settings.copy_with_update(updates={PREFECT_CLIENT_MAX_RETRIES: 1})

    @cached_property
    def _client(self) -> SyncPrefectClient:
        return get_client(sync_client=True, httpx_settings={"timeout": _BRIEF.total_seconds()})


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
