"""Stands between a client and a real server, and lets a part of the requests go wrong, each in one of these ways:

cut: the connection is closed and nothing was applied; busy: 503 SlowDown and nothing was applied; broken: the same with
500; torn: the server gets half of the body; lost: the request was applied, and its answer is lost.
"""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler

from tests.servers import PatientHandler, PatientServer

Said = tuple[int, list[tuple[str, str]], bytes]
_BUSY = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce your request rate</Message></Error>"
_BROKEN = b"<?xml version='1.0'?><Error><Code>InternalError</Code><Message>We had a problem</Message></Error>"
_SAID: dict[str, Said] = {"busy": (503, [], _BUSY), "broken": (500, [], _BROKEN)}


@dataclass
class Proxy:
    """`shares` says how likely each fault is, by name; it may be changed while requests pass."""

    server: str
    """Host and port."""
    shares: dict[str, float] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    url: str = ""
    lose: list[str] = field(default_factory=list)
    """Endings of names: the answer to the next PUT of each is lost, once."""
    overwrites: bool = False
    """Whether it seems to ignore If-None-Match: what exists is told as created."""

    def fate_of(self, method: str, path: str) -> str:
        for ending in self.lose:
            if method == "PUT" and path.partition("?")[0].endswith(ending):
                self.lose.remove(ending)
                return "lost"
        return self.fate()

    def fate(self) -> str:
        roll = random.random()
        for name, share in self.shares.items():
            if (roll := roll - share) < 0:
                return name
        return "passed"


class _Passing(PatientHandler):
    proxy: Proxy

    def do_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fate = self.proxy.fate_of(self.command, self.path)
        self.proxy.seen[fate] += 1
        if fate == "torn":
            self._send(body[: len(body) // 2]).close()
        said = self._forward(body) if fate in ("passed", "lost") else _SAID.get(fate)
        if said is None or fate == "lost":
            self.close_connection = True
            return
        status, headers, answer = said
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer if self.command != "HEAD" else b"")

    def _forward(self, body: bytes) -> Said:
        with closing(self._send(body)) as upstream:
            answer = upstream.getresponse()
            if answer.status == HTTPStatus.PRECONDITION_FAILED and self.proxy.overwrites:
                return HTTPStatus.OK, [("ETag", '"x"')], b""
            return answer.status, answer.getheaders(), answer.read()

    def _send(self, body: bytes) -> HTTPConnection:
        upstream = HTTPConnection(self.proxy.server, timeout=30)
        # Headers as they came, the host among them: they are signed.
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            upstream.putheader(name, value)
        upstream.endheaders(body)
        return upstream


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    methods = {f"do_{method}": _Passing.do_any for method in ("GET", "PUT", "DELETE", "HEAD", "POST", "PATCH")}
    return type("Handler", (_Passing,), {"proxy": proxy, **methods})


@contextmanager
def between(url: str | None, **shares: float) -> Iterator[Proxy]:
    """Run a proxy in front of the server at `url` for a while."""
    assert url
    proxy = Proxy(url.removeprefix("http://"), shares)

    with PatientServer(("127.0.0.1", 0), _handler(proxy)) as listening:
        proxy.url = f"http://127.0.0.1:{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield proxy
        finally:
            listening.shutdown()
            thread.join()
