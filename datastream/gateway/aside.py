"""Runs what blocks beside the event loop, each call in a thread of its own, which cannot hold up the process's end."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Generic, TypeVar

from datastream.clock import Clock

T = TypeVar("T")
_KEPT = timedelta(seconds=1)


def aside(action: Callable[[], T]) -> asyncio.Future[T]:
    """Return the future of what `action` returns or raises. One that hangs is left alone."""
    outcome: concurrent.futures.Future[T] = concurrent.futures.Future()
    outcome.set_running_or_notify_cancel()  # from here on nobody can cancel it, so that it can always be settled

    def run() -> None:
        try:
            outcome.set_result(action())
        except Exception as error:  # noqa: BLE001 - it is raised where the future is awaited
            outcome.set_exception(error)

    threading.Thread(target=run, name="aside", daemon=True).start()
    return asyncio.wrap_future(outcome)


class Shared(Generic[T]):
    """Something that many ask for, and that is found out once at a time and `kept` for a while, a second by default."""

    def __init__(self, find: Callable[[], Awaitable[T]], clock: Clock, kept: timedelta = _KEPT) -> None:
        self._find = find
        self._kept = kept
        self._clock = clock
        self._finding: asyncio.Future[T] | None = None
        self._began = 0.0

    def ask(self) -> asyncio.Future[T]:
        """Return the future of the latest answer. Who gives up waiting for it cancels it for nobody: shield it."""
        now = self._clock.monotonic()
        old = now - self._began >= self._kept.total_seconds()
        if self._finding is None or (self._finding.done() and old):
            self._began = now
            self._finding = asyncio.ensure_future(self._find())
        return self._finding

    async def within(self, patience: timedelta) -> T | None:
        """Return the answer, or None if it does not come in time."""
        finding = self.ask()
        await asyncio.wait((finding,), timeout=patience.total_seconds())
        return finding.result() if finding.done() else None
