"""A process worker that ends without ending its runs, which Prefect's own does not.

By SIGTERM it takes no further run, is heard from until those it has are over, and then ends. By SIGQUIT it has its runs
end too, which report that they crashed, and insists where one does not.
"""

import asyncio
import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
from prefect.logging.configuration import setup_logging
from prefect.workers.process import ProcessWorker

from deployments.workers.children import children, tell
from deployments.workers.crew import HEARD, NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from uuid import UUID

    from prefect.client.schemas.objects import FlowRun

T = TypeVar("T")
CUT_OFF = 1
"""The exit code of a worker that cut runs off."""
_INSIST_SECONDS, _LOOK_SECONDS, _AGAIN_SECONDS = 5.0, 0.1, 2.0
_GIVE_UP_SECONDS = 20.0
"""So long one that is to end now tries to tell a server which is away that its runs crashed."""
_GOODBYE_SECONDS = 5.0
"""A server that hangs is not waited for any longer: nothing of a run is left to be told."""


class DrainingWorker(ProcessWorker):
    """Prefect's process worker, which no answer of the server ends, nor the lack of one: its runs would end with it.

    What has no underscore is public there. Prefect lets an error in the others end the worker; tests plant those.
    """

    draining = False

    @classmethod
    def __dispatch_key__(cls) -> str:
        """Stand beside Prefect's own worker of this type, which would be replaced in its list otherwise."""
        return "process-that-drains"

    async def get_and_submit_flow_runs(self) -> "list[FlowRun]":
        """Take runs that are due, unless this is to end."""
        return [] if self.draining else await _unless_away(super().get_and_submit_flow_runs()) or []

    async def sync_with_backend(self) -> None:
        """Be heard from, and hear what became of the pool."""
        await _unless_away(super().sync_with_backend())

    @property
    def runs(self) -> int:
        """How many runs it has, from the moment they are taken to their end."""
        return self.limiter.borrowed_tokens if self.is_setup else 0

    async def _submit_run(self, flow_run: "FlowRun") -> None:
        begin = super()._submit_run

        async def submit() -> None:
            self._submitting_flow_run_ids.add(flow_run.id)  # an attempt that came to nothing may have removed it
            await begin(flow_run)

        await _until_answered(submit)

    async def _cancel_run(self, flow_run_id: "UUID") -> None:
        cancel = super()._cancel_run
        await _until_answered(lambda: cancel(flow_run_id))

    async def _mark_flow_run_as_cancelled(
        self, flow_run: "FlowRun", state_updates: dict[str, Any] | None = None
    ) -> None:
        await super()._mark_flow_run_as_cancelled(flow_run, state_updates)
        self._release_limit_slot(flow_run.id)  # a run without a deployment would be had for ever


async def _unless_away(asked: "Coroutine[Any, Any, T]") -> T | None:
    """Leave out what the server does not answer, or refuses: it is asked again soon, and the supervisor says why."""
    with suppress(httpx.HTTPError):
        return await asked
    return None


async def _until_answered(do: "Callable[[], Coroutine[Any, Any, None]]") -> None:
    while True:
        with suppress(httpx.HTTPError):
            return await do()
        await asyncio.sleep(_AGAIN_SECONDS)


def work(pool: str, name: str, limit: int, life: socket.socket) -> None:
    """Be a worker of `pool` until SIGTERM, or until nobody holds the other end of `life` any more."""
    os.setsid()  # a terminal tells its whole group of Ctrl-C and of its end: runs too, and the supervisor decides
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # said before that; ignored altogether, runs would inherit it
    setup_logging()
    worker = DrainingWorker(pool, name=name, limit=limit, create_pool_if_not_found=False)
    try:
        code = asyncio.run(_work(worker, life))
    except (httpx.HTTPError, RuntimeError) as error:  # as the runner says that it could not begin
        sys.exit(f"{name} could not begin: {error}")
    sys.exit(code)


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
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
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
    cut_off_at: float | None = None
    while worker.runs:
        moment = asyncio.get_running_loop().time()
        if cut_off_at is None and now.is_set():
            cut_off_at = moment
            _tell_all(signal.SIGTERM)
        elif cut_off_at is not None and moment >= cut_off_at + _INSIST_SECONDS:
            _tell_all(signal.SIGKILL)
            if moment >= cut_off_at + _GIVE_UP_SECONDS:
                break
        await asyncio.sleep(_LOOK_SECONDS)
    return cut_off_at is not None


def _tell_all(number: signal.Signals) -> None:
    for child in children(os.getpid()):
        tell(child, number)
