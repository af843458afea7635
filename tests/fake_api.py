"""A small REST API for tests, on a port of its own: pages by number or by link, and every way to misbehave."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.servers import PatientHandler, PatientServer

Record = dict[str, Any]
LOCAL = ["127.0.0.1"]
"""Where it is, for the `private_networks` of whoever asks it."""

Response = tuple[int, dict[str, str], bytes]
Fault = Callable[[str], Response | None]


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"null")


@dataclass
class FakeApi:
    """Its records may be changed while it serves. `fault` may answer instead of it."""

    records: list[Record] = field(default_factory=list)
    page_size: int = 100
    cursor: str = "at"
    fault: Fault | None = None
    pages: Callable[[Asked], Response] | None = None
    """Answers in a style of its own."""
    asked: list[str] = field(default_factory=list)
    requests: list[Asked] = field(default_factory=list)
    url: str = ""

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Response:
        self.asked.append(target)
        if self.fault is not None and (response := self.fault(target)) is not None:
            return response
        parts = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        self.requests.append(Asked(method, parts.path, query, headers, body))
        if self.pages is not None:
            return self.pages(self.requests[-1])
        return self._pages(query) if parts.path == "/numbered" else self._links(query)

    def _pages(self, query: dict[str, str]) -> Response:
        rows, page = self._since(query), int(query.get("page", "1"))
        total = -(-len(rows) // self.page_size)
        found = rows[(page - 1) * self.page_size :][: self.page_size]
        return ok({"data": found, "total": total, "count": len(rows)})

    def _links(self, query: dict[str, str]) -> Response:
        rows, start = self._since(query), int(query.get("start", "0"))
        after = start + self.page_size
        link = f"/linked?since={query.get('since', '')}&start={after}" if after < len(rows) else None
        return ok({"items": {"rows": rows[start:after]}, "next": link})

    def _since(self, query: dict[str, str]) -> list[Record]:
        since = query.get("since", "")
        return [row for row in list(self.records) if row.get(self.cursor) is None or str(row[self.cursor]) >= since]


def ok(document: object) -> Response:
    return 200, {}, json.dumps(document).encode()


@contextmanager
def serving(api: FakeApi) -> Iterator[FakeApi]:
    class Handler(PatientHandler):
        def do_GET(self) -> None:  # noqa: N802 - the name is the library's
            asked = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, headers, body = api.answer(self.command, self.path, dict(self.headers), asked)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name is the library's

    with PatientServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        api.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()
