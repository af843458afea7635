"""The HTTP face of the flights: pages by number, pages by a next link, and a health check.

Plain ASGI, because it shares the machine with the pipeline that is being measured.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from deployments.demo.flights import Flights
from deployments.demo.query import BadParameter, Query, parse

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class DemoApi:
    """Answers GET requests from the flights in memory, `latency` later than it could."""

    def __init__(self, flights: Flights, latency: timedelta = timedelta()) -> None:
        self._flights = flights
        self._latency_seconds = latency.total_seconds()
        self._routes = {"/flights": self._page, "/flights/linked": self._linked, "/health": self._health}

    async def __call__(self, scope: Message, _receive: Receive, send: Send) -> None:
        if self._latency_seconds:
            await asyncio.sleep(self._latency_seconds)
        status, body = self._answer(scope["method"], scope["path"], scope["query_string"])
        length = str(len(body)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, method: str, path: str, query_string: bytes) -> tuple[int, bytes]:
        route = self._routes.get(path)
        if route is None:
            return 404, _error(f"There is no {path!r} here. Ask for {', '.join(self._routes)}.")
        if method != "GET":
            return 405, _error(f"{path} answers GET, not {method}.")
        try:
            return 200, route(parse(query_string))
        except BadParameter as wrong:
            return 400, _error(str(wrong))

    def _page(self, query: Query) -> bytes:
        total = self._flights.total(query.since)
        rows = self._flights.page(query.since, query.page, query.page_size)
        pages = -(-total // query.page_size)
        return b'{"data":[%b],"page":%d,"total_pages":%d,"total":%d}' % (rows.text, query.page, pages, total)

    def _linked(self, query: Query) -> bytes:
        rows = self._flights.after(query.since, query.cursor, query.page_size)
        link = None
        if rows.count == query.page_size:
            asked = {"cursor": rows.last_id, "page_size": query.page_size}
            since = {} if query.since is None else {"since": query.since_text}
            link = f"/flights/linked?{urlencode(asked | since)}"
        return b'{"data":[%b],"next":%b}' % (rows.text, json.dumps(link).encode())

    def _health(self, _query: Query) -> bytes:
        return b'{"status":"ok","flights":%d}' % self._flights.total(None)


def _error(sentence: str) -> bytes:
    return json.dumps({"error": sentence}).encode()
