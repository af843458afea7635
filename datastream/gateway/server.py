"""Serves the gateway by uvicorn, and owns the bounds that uvicorn has not: who is silent is cut, and who says too much.

A body has a deadline of the application's own; here it is the time until a request's headers are complete, and the time
an answer waits for its reader. On SIGTERM nobody new is let in; for a moment each answer says `connection: close`, so
that senders leave by themselves; then what is still open is closed.
"""

import asyncio
import socket
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from datastream.gateway.app import Gateway

_TICKS_A_SECOND = 10  # uvicorn's own
_REFUSAL = b"HTTP/1.1 %b\r\nconnection: close\r\ncontent-length: 0\r\n%b\r\n"
_TOO_MUCH = _REFUSAL % (b"431 Request Header Fields Too Large", b"")
_TOO_MANY = _REFUSAL % (b"503 Service Unavailable", b"retry-after: 1\r\n")


@dataclass(frozen=True, slots=True)
class Patience:
    """What connections may cost."""

    silence: timedelta = timedelta(seconds=20)
    """From a connection's begin or its last answer to the end of the next request's headers."""
    head_bytes: int = 64 * 1024
    connections: int = 900  # a process may usually open 1,024 files
    leaving: timedelta = timedelta(seconds=0.5)
    """How long senders are asked to leave by themselves."""
    ending: timedelta = timedelta(seconds=7)
    """How long what was asked may take once nothing more is."""


class Connection(HttpToolsProtocol):
    """One connection, which knows since when its sender is waited for."""

    patience = Patience()
    waiting_since: float | None = None
    _head_bytes: int | None = None
    _leaving = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > self.patience.connections:
            self._refuse(_TOO_MANY)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > self.patience.head_bytes:
                self._refuse(_TOO_MUCH)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._head_bytes = None
        if not self.flow.write_paused:
            self.waiting_since = None
        if self._leaving:
            self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        self._wait()
        super().on_response_complete()

    def pause_writing(self) -> None:
        self._wait()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._wait()
        super().resume_writing()

    def leave(self) -> None:
        """Let the next answer be the last."""
        self._leaving = True
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def _wait(self) -> None:
        self.waiting_since = self.loop.time()

    def _refuse(self, answer: bytes) -> None:
        self.transport.write(answer)
        self.transport.close()


class Server(uvicorn.Server):
    """Serves one gateway, once. Setting `should_exit` ends it as SIGTERM does."""

    def __init__(self, gateway: Gateway, patience: Patience | None = None) -> None:
        self._gateway = gateway
        self._patience = patience or Patience()
        super().__init__(
            uvicorn.Config(
                gateway,
                loop="uvloop",
                http=type("Connection", (Connection,), {"patience": self._patience}),
                ws="none",
                interface="asgi3",
                lifespan="on",
                log_config=None,
                log_level="error",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=int(self._patience.silence.total_seconds()),
                timeout_graceful_shutdown=int(self._patience.ending.total_seconds()),
            )
        )

    async def on_tick(self, counter: int) -> bool:
        """Cut who was waited for too long, once a second."""
        if counter % _TICKS_A_SECOND == 0:
            oldest = asyncio.get_running_loop().time() - self._patience.silence.total_seconds()
            for connection in self._connections():
                if connection.waiting_since is not None and connection.waiting_since < oldest:
                    connection.transport.abort()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ask everybody to leave before closing what is open."""
        for server in self.servers:
            server.close()
        self._gateway.close_soon()
        for connection in self._connections():
            connection.leave()
        await asyncio.sleep(self._patience.leaving.total_seconds())
        await super().shutdown(sockets)

    def _connections(self) -> list[Connection]:
        return cast("list[Connection]", list(self.server_state.connections))
