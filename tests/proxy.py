"""Stands between a client and a real server, and lets a part of the requests go wrong, each in one of these ways:

cut: the connection is closed and nothing was applied; busy: 503 SlowDown and nothing was applied; lost: the request was
applied, and its answer is lost.
"""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_BUSY = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce your request rate</Message></Error>"


@dataclass
class Proxy:
    """`shares` says how likely each fault is, by name; it may be changed while requests pass."""

    server: str
    """Host and port."""
    shares: dict[str, float] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    url: str = ""

    def fate(self) -> str:
        roll = random.random()
        for name, share in self.shares.items():
            if (roll := roll - share) < 0:
                return name
        return "passed"


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fate = proxy.fate()
            proxy.seen[fate] += 1
            status, headers, answer = (503, [], _BUSY) if fate == "busy" else (0, [], b"")
            if fate in ("passed", "lost"):
                status, headers, answer = self._forward(body)
            if fate in ("cut", "lost"):
                self.close_connection = True
                return
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer if self.command != "HEAD" else b"")

        def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            upstream = HTTPConnection(proxy.server, timeout=30)
            try:  # headers as they came, the host among them: they are signed
                upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    upstream.putheader(name, value)
                upstream.endheaders(body)
                answer = upstream.getresponse()
                return answer.status, answer.getheaders(), answer.read()
            finally:
                upstream.close()

        def log_message(self, *_: object) -> None:
            pass

    for method in ("GET", "PUT", "DELETE", "HEAD", "POST"):
        setattr(Handler, f"do_{method}", Handler.do_any)
    return Handler


@contextmanager
def between(url: str | None, **shares: float) -> Iterator[Proxy]:
    """Run a proxy in front of the server at `url` for a while."""
    assert url
    proxy = Proxy(url.removeprefix("http://"), shares)

    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy)) as listening:
        proxy.url = f"http://127.0.0.1:{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield proxy
        finally:
            listening.shutdown()
            thread.join()
