"""A server on 127.0.0.2 that says whatever a test wants, byte for byte, and one on 127.0.0.1 that nobody may reach."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from datastream.connections import ApiConfig
from datastream.sources.client import open_api
from datastream.sources.reach import Resolve, resolve
from datastream.sources.request import Request

PUBLIC = "127.0.0.2"
"""What the tests call public: `private_networks` names it, and 127.0.0.1 is left as it is."""

Say = Callable[[socket.socket, str], None]
"""Answers one request, given by its head."""


@dataclass
class Talk:
    """What was asked, one head after the other, and under what names of TLS."""

    port: int
    heads: list[str] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{PUBLIC}:{self.port}"


def config_of(url: str, inside: str = PUBLIC, **changes: Any) -> ApiConfig:
    return ApiConfig(base_url=url, **{"private_networks": [inside], "timeout": timedelta(seconds=0.2), **changes})


def ask(config: ApiConfig, resolve: Resolve = resolve) -> bytes:
    """Return what an API answers at its address."""
    with open_api(config, resolve=resolve) as client:
        return client.ask(Request(client.base_url)).answer.body


def reply(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return an answer after which the connection is closed."""
    lines = [f"HTTP/1.1 {status}", "Connection: close", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextmanager
def talking(say: Say, tls: ssl.SSLContext | None = None) -> Iterator[Talk]:
    """Serve one connection after the other, each until `say` has answered its one request."""
    with socket.create_server((PUBLIC, 0)) as listener:
        talk = Talk(listener.getsockname()[1])
        if tls:
            tls.sni_callback = lambda _socket, name, _context: talk.names.append(name)
        thread = threading.Thread(target=_serve, args=(listener, talk, say, tls))
        thread.start()
        try:
            yield talk
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(listener: socket.socket, talk: Talk, say: Say, tls: ssl.SSLContext | None) -> None:
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        with contextlib.suppress(OSError), ExitStack() as held:
            held.enter_context(peer)
            peer.settimeout(20)
            speaker = held.enter_context(tls.wrap_socket(peer, server_side=True)) if tls else peer
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                if not (byte := speaker.recv(1)):
                    break
                head += byte
            else:
                talk.heads.append(head.decode())
                say(speaker, talk.heads[-1])


class Canary:
    """Listens on a port of all that 127.0.0.1 is called, and tells how many came."""

    def __init__(self, port: int = 0) -> None:
        self._listeners = [socket.create_server(("127.0.0.1", port))]
        self.port = self._listeners[0].getsockname()[1]
        if socket.has_ipv6:
            with contextlib.suppress(OSError):  # some machines have it, but no address of it
                self._listeners.append(socket.create_server(("::1", self.port), family=socket.AF_INET6))
        for listener in self._listeners:
            listener.setblocking(False)

    @property
    def has_ipv6(self) -> bool:
        return len(self._listeners) > 1

    @property
    def hits(self) -> int:
        """How many connections came since it was asked last: the system keeps them, so none is missed."""
        return sum(map(_taken, self._listeners))

    def close(self) -> None:
        for listener in self._listeners:
            listener.close()


def _taken(listener: socket.socket) -> int:
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()
            count += 1
    return count
