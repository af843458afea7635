"""A TCP proxy between a bus and its broker. It can lose the broker's answers or say that the broker is short of memory,
and it notices when the broker hangs up.
"""

import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from pika.frame import Method
from pika.spec import Connection


class Proxy(socketserver.ThreadingTCPServer):
    """Passes bytes on, until it is told otherwise."""

    def __init__(self, url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        parts = urlsplit(url)
        self.broker = (parts.hostname, parts.port)
        self.url = parts._replace(netloc=f"guest:guest@127.0.0.1:{self.server_address[1]}").geturl()
        self.losing_answers = False
        self.clients: list[socket.socket] = []
        self.ended = threading.Event()
        self.closed_by_broker = threading.Event()

    def block(self) -> None:
        """Do as a broker that has no memory left: say so, and answer no more."""
        self.losing_answers = True
        for client in self.clients:
            client.sendall(Method(0, Connection.Blocked("low on memory")).marshal())


class _Passing(socketserver.BaseRequestHandler):
    server: Proxy

    def handle(self) -> None:
        self.server.clients.append(self.request)
        with socket.create_connection(self.server.broker) as broker, suppress(ConnectionError):
            other = {self.request: broker, broker: self.request}
            while not self.server.ended.is_set():
                for side in select.select(other, [], [], 0.02)[0]:
                    if not self._pass(side, other[side], answer=side is broker):
                        return

    def _pass(self, side: socket.socket, other: socket.socket, *, answer: bool) -> bool:
        try:
            data = side.recv(65_536)
        except ConnectionError:
            data = b""
        if not data and answer:
            self.server.closed_by_broker.set()
        if not (answer and self.server.losing_answers):
            other.sendall(data)
        return bool(data)


@contextmanager
def proxied(url: str) -> Iterator[Proxy]:
    """Run a proxy to the broker at `url` for a while."""
    with Proxy(url) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield proxy
        finally:
            proxy.ended.set()
            proxy.shutdown()
            thread.join()
