"""Runs what blocks beside the event loop, each call in a thread of its own, which cannot hold up the process's end."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


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
