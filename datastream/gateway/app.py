"""The gateway as an ASGI application: its parts, its paths, and what it does in the background while it runs.

A path is matched byte by byte as it was sent: nothing is decoded, joined or forgiven, and Host plays no part.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from http import HTTPStatus

import msgspec

from datastream.buffers import Buffer, BufferAway
from datastream.clock import Clock, SystemClock
from datastream.errors import DatastreamError
from datastream.gateway.asgi import JSON, Receive, Scope, Send, answer
from datastream.gateway.aside import Shared, aside
from datastream.gateway.body import Limits
from datastream.gateway.keyring import Keyring
from datastream.gateway.losses import Losses
from datastream.gateway.metrics import Metrics
from datastream.gateway.page import NoPage, Page
from datastream.gateway.probes import Dependencies, Finding, Probe
from datastream.gateway.problem import Problem, answer_problem
from datastream.gateway.webhooks import Webhooks
from datastream.gateway.writer import Writer

logger = logging.getLogger(__name__)

_WEBHOOKS = b"/webhooks/"
_SECOND = timedelta(seconds=1)
_LAST_BODIES = timedelta(seconds=2)
"""So long may a body that is being read take once the gateway is closing."""


class Gateway:
    """Takes webhooks into a buffer. It can be run once, and starts also while what it depends on is away."""

    def __init__(
        self,
        buffer: Buffer,
        keyring: Keyring,
        others: Mapping[str, Probe] | None = None,
        *,
        page: Page | NoPage | None = None,
        limits: Limits | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`others` are further dependencies to be asked by /health/ready; `page` is what is served at /quality."""
        self.closing = False
        self._buffer = buffer
        self._keyring = keyring
        self._trouble: DatastreamError | None = BufferAway("The buffer has not been asked yet.")
        clock = clock or SystemClock()
        own = {"redis": Probe(buffer.check, _SECOND), "streams": Probe(keyring.check, _SECOND)}
        self._dependencies = Dependencies({**own, **(others or {})}, clock)
        self._depths = Shared(self._count_what_waits, clock)
        self._metrics = Metrics()
        self._losses = Losses(buffer.append)
        self._writer = Writer(self._losses.append)
        self._webhooks = Webhooks(
            keyring, self._writer, self._metrics, lambda: self._trouble, limits or Limits(), clock
        )
        page = page or NoPage("This gateway serves no quality page.")
        self._pages: Mapping[bytes, Callable[[Scope, Send], Awaitable[None]]] = {
            b"/health/live": self._live,
            b"/health/ready": self._ready,
            b"/metrics": self._scraped,
            b"/quality": page.answer,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live through the server's life."""
        if scope["type"] == "lifespan":
            await self._live_through(receive, send)
            return
        try:
            await self._route(scope, receive, send)
        except Problem as problem:
            await answer_problem(send, problem)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take posts for a while; on leaving, everything that was taken is written."""
        background = [asyncio.create_task(work) for work in (self._watch_the_buffer(), self._read_the_streams())]
        try:
            yield
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            self._writer.close()

    def close_soon(self) -> None:
        """Be not ready any more, and wait for no slow body."""
        self.closing = True
        self._webhooks.intake.hasten(_LAST_BODIES)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["raw_path"], scope["method"]
        if path.startswith(_WEBHOOKS):
            if method != "POST":
                raise _not_allowed(method, "POST")
            await self._webhooks.post(path[len(_WEBHOOKS) :].decode("latin-1"), scope, receive, send)
        elif page := self._pages.get(path):
            if method not in ("GET", "HEAD"):
                raise _not_allowed(method, "GET, HEAD")
            await page(scope, send)
        else:
            raise Problem(
                HTTPStatus.NOT_FOUND,
                "There is nothing here. Post to /webhooks/ and a stream's name, or ask /health/live, /health/ready, "
                "/metrics or /quality.",
            )

    async def _live(self, _scope: Scope, send: Send) -> None:
        await answer(send, HTTPStatus.OK, b'{"status":"live"}', JSON)

    async def _ready(self, _scope: Scope, send: Send) -> None:
        found = await self._dependencies.ask()
        ready = not self.closing and all(finding.ok for finding in found.values())
        said = {
            "status": "closing" if self.closing else "ready" if ready else "not ready",
            "dependencies": [_told(name, finding) for name, finding in found.items()],
        }
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        await answer(send, status, msgspec.json.encode(said), JSON)

    async def _scraped(self, _scope: Scope, send: Send) -> None:
        found, depths = await asyncio.gather(self._dependencies.ask(), self._depths.within(_SECOND))
        up = {name: finding.ok for name, finding in found.items()}
        text = self._metrics.text(depths or {}, up, dict(self._losses.estimated))
        await answer(send, HTTPStatus.OK, text, (b"content-type", self._metrics.content_type))

    @property
    def _lanes(self) -> list[str]:
        return [lane for door in self._keyring.doors.values() for lane in door.lanes]

    async def _count_what_waits(self) -> dict[str, int]:
        """Return how much waits in each lane; nothing while the buffer does not say."""
        lanes = self._lanes
        try:
            return await aside(lambda: {lane: self._buffer.depth(lane) for lane in lanes})
        except DatastreamError:
            return {}

    async def _watch_the_buffer(self) -> None:
        """Know within a second whether the buffer keeps what it takes; while it does not, nothing is taken.

        This is the gateway's breaker: it probes once a second, because senders wait for a buffer that is back.
        """
        while True:
            try:
                found = await self._dependencies["redis"].hear()
                trouble = found.error
            except Exception:  # a process's main loop: what nobody foresaw closes the door, and the next look opens it
                logger.exception("The buffer could not be asked")
                trouble = BufferAway("The buffer could not be asked.")
            if type(trouble) is not type(self._trouble):
                logger.warning("Posts are %s: %s", "refused" if trouble else "taken", trouble or found.detail)
            self._trouble = trouble
            if trouble is None:
                await self._look_for_losses()
            await asyncio.sleep(_SECOND.total_seconds())

    async def _look_for_losses(self) -> None:
        lanes = self._lanes
        try:
            await aside(lambda: self._losses.look(lanes, self._buffer.reach))
        except DatastreamError as error:  # it went away just now; the next look finds it or says so
            logger.warning("The lanes could not be looked at: %s", error)

    async def _read_the_streams(self) -> None:
        while True:
            try:
                await aside(self._keyring.refresh)
            except Exception:  # a process's main loop: what was known stays, and /health/ready tells its age
                logger.exception("The streams could not be read")
            await asyncio.sleep(self._keyring.next_reading.total_seconds())

    async def _live_through(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self.running():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


def _told(name: str, finding: Finding) -> dict[str, object]:
    return {"name": name, "ok": finding.ok, "detail": finding.detail, "seconds": round(finding.seconds, 3)}


def _not_allowed(method: str, allowed: str) -> Problem:
    return Problem(
        HTTPStatus.METHOD_NOT_ALLOWED, f"This answers {allowed}, and not {method}.", (b"allow", allowed.encode())
    )
