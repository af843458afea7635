"""A process worker that ends without ending its runs, which Prefect's own does not.

By SIGTERM it takes no further run, is heard from until those it has are over, and then ends. By SIGQUIT it has its runs
end too, which report that they crashed, and insists where one does not.
"""

import asyncio
import os
import signal
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
from prefect.logging.configuration import setup_logging
from prefect.workers.process import ProcessWorker

from deployments.workers.children import children, tell
from deployments.workers.crew import NOW

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from prefect.client.schemas.objects import FlowRun

T = TypeVar("T")
CUT_OFF = 1
"""The exit code of a worker that cut runs off."""
_INSIST_SECONDS, _LOOK_SECONDS = 5.0, 0.1
_GOODBYE_SECONDS = 5.0
"""A server that hangs is not waited for any longer: nothing of a run is left to be told."""
_SERVERS_FAULT = 500


class DrainingWorker(ProcessWorker):
    """Prefect's process worker; all that is overridden here, and asked for, is public there."""

    draining = False

    @classmethod
    def __dispatch_key__(cls) -> str:
        """Stand beside Prefect's own worker of this type, which would be replaced in its list otherwise."""
        return "process-that-drains"

    async def get_and_submit_flow_runs(self) -> "list[FlowRun]":
        """Take runs that are due, unless this is to end."""
        return [] if self.draining else await _patiently(super().get_and_submit_flow_runs()) or []

    async def sync_with_backend(self) -> None:
        """Be heard from, and hear what became of the pool."""
        await _patiently(super().sync_with_backend())

    @property
    def runs(self) -> int:
        """How many runs it has, from the moment they are taken to their end."""
        return self.limiter.borrowed_tokens if self.is_setup else 0


async def _patiently(asked: "Coroutine[Any, Any, T]") -> T | None:
    """Wait out a server that is away: Prefect's own worker gives up after a while, and ends its runs with it."""
    try:
        return await asked
    except httpx.TransportError:
        return None
    except httpx.HTTPStatusError as error:
        if error.response.status_code < _SERVERS_FAULT:
            raise
        return None


def work(pool: str, name: str, limit: int, life: socket.socket) -> None:
    """Be a worker of `pool` until SIGTERM, or until nobody holds the other end of `life` any more."""
    # A terminal sends Ctrl-C to all, and the supervisor decides. Ignored altogether, runs would inherit that.
    signal.signal(signal.SIGINT, lambda *_: None)
    setup_logging()
    worker = DrainingWorker(pool, name=name, limit=limit, create_pool_if_not_found=False)
    raise SystemExit(asyncio.run(_work(worker, life)))


async def _work(worker: DrainingWorker, life: socket.socket) -> int:
    loop, drain, now = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def end_now() -> None:
        drain.set()
        now.set()

    def orphaned() -> None:
        drain.set()
        loop.remove_reader(life)

    loop.add_signal_handler(signal.SIGTERM, drain.set)
    loop.add_signal_handler(NOW, end_now)
    loop.add_reader(life, orphaned)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
    working = asyncio.create_task(worker.start())
    ending = asyncio.create_task(_end(worker, drain, now))
    await asyncio.wait((working, ending), return_when=asyncio.FIRST_COMPLETED)
    code = CUT_OFF if ending.done() and ending.result() else 0
    goodbye = threading.Timer(_GOODBYE_SECONDS, os._exit, (code,))
    goodbye.daemon = True
    goodbye.start()
    working.cancel()  # as Prefect's own is, but with no run left
    with suppress(asyncio.CancelledError):
        await working
    return code


async def _end(worker: DrainingWorker, drain: asyncio.Event, now: asyncio.Event) -> bool:
    """Return when it was asked to end and has no run left; tell whether any was cut off."""
    await drain.wait()
    worker.draining = True
    cut_off, insist_at = False, float("inf")
    while worker.runs:
        moment = asyncio.get_running_loop().time()
        if now.is_set() and not cut_off:
            cut_off, insist_at = True, moment + _INSIST_SECONDS
            _tell_all(signal.SIGTERM)
        elif moment >= insist_at:
            _tell_all(signal.SIGKILL)
        await asyncio.sleep(_LOOK_SECONDS)
    return cut_off


def _tell_all(number: signal.Signals) -> None:
    for child in children(os.getpid()):
        tell(child, number)
