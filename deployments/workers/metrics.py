"""What is exported to Prometheus of a pool's backlog and workers, and the small door at which it is asked for.

It is answered by whoever owns the door, when that has time: no thread is made, since a process that forks workers must
have one only.
"""

import io
import socket
import sys
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from time import monotonic

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest

from datastream.errors import Permanent
from datastream.observe.metric import Metric
from deployments.backlog import Backlog

_SECONDS, _MOST_BYTES = 2.0, 16_384
_OK, _NOT_FOUND = 200, 404


class PortTaken(Permanent):
    """Nobody can be answered at this address."""


BACKLOG = Metric(
    "datastream_backlog",
    "What there is to do, in runs: waiting and under way, or the due lanes if these are more. Left out if not known.",
    ("pool",),
)
RUNS = Metric(
    "datastream_backlog_runs",
    "Runs that wait for a worker, that are late by then, that are under way.",
    ("pool", "state"),
)
LANES = Metric(
    "datastream_backlog_lanes",
    "Lanes of webhook streams with a full batch, or a delivery past its interval.",
    ("pool",),
)
OLDEST = Metric(
    "datastream_backlog_oldest_seconds",
    "How long the oldest run or delivery has waited. When it only grows, there are too few workers, or runs fail.",
    ("pool",),
)
WORKERS = Metric("datastream_workers", "Workers that have a run, have none, or leave.", ("pool", "state"))
WANTED = Metric("datastream_workers_wanted", "How many workers there are to be.", ("pool",))
CHANGES = Metric(
    "datastream_worker_changes",
    "Workers that were begun, sent away, or replaced because they died.",
    ("pool", "change"),
)
TABLE = (BACKLOG, RUNS, LANES, OLDEST, WORKERS, WANTED, CHANGES)


class Board:
    """The figures of one pool. The registry is its own: nothing is global."""

    def __init__(self, pool: str) -> None:
        self._registry, self._pool = CollectorRegistry(), pool
        self._gauges = {metric: Gauge(*metric, registry=self._registry) for metric in TABLE if metric is not CHANGES}
        self._changes = Counter(*CHANGES, registry=self._registry)

    def saw(self, backlog: Backlog) -> None:
        """Show what there is to do; what is not known is not shown."""
        states = {"waiting": backlog.waiting, "late": backlog.late, "under_way": backlog.under_way}
        self._show(RUNS, states)
        oldest = backlog.oldest.total_seconds() if backlog.oldest is not None else 0.0
        for metric, value in ((BACKLOG, backlog.runs), (LANES, backlog.lanes), (OLDEST, oldest)):
            self._gauges[metric].clear()
            if value is not None:
                self._gauges[metric].labels(self._pool).set(value)

    def has(self, workers: Mapping[str, int], wanted: int) -> None:
        """Show the workers."""
        self._show(WORKERS, workers)
        self._gauges[WANTED].labels(self._pool).set(wanted)

    def changed(self, change: str, count: int = 1) -> None:
        """Count workers that were begun, sent away or replaced."""
        self._changes.labels(self._pool, change).inc(count)

    def text(self) -> bytes:
        """Return all of it."""
        return generate_latest(self._registry)

    def _show(self, metric: Metric, values: Mapping[str, int | None]) -> None:
        self._gauges[metric].clear()
        for state, value in values.items():
            if value is not None:
                self._gauges[metric].labels(self._pool, state).set(value)


class Door(HTTPServer):
    """Answers GET /metrics with `text`, one asker after another, each for two seconds at most."""

    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], text: Callable[[], bytes]) -> None:
        self.text = text
        try:
            super().__init__(address, _Answer)
        except OSError as error:
            host, port = address
            raise PortTaken(
                f"Nothing can be served at {host}:{port}: {error.strerror or error}. Stop what listens there, or name "
                "another port or host."
            ) from error

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of one who hung up."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Answer(BaseHTTPRequestHandler):
    server: Door

    def setup(self) -> None:
        """Read all that is asked before it is looked at: the library would wait for each byte anew, and so for ever."""
        super().setup()
        self.rfile = io.BytesIO(_asked(self.connection))

    def do_GET(self) -> None:
        body = self.server.text() if self.path == "/metrics" else b""
        self.send_response(_OK if body else _NOT_FOUND)
        self.send_header("Content-Type", CONTENT_TYPE_LATEST)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_said: object) -> None:
        """Say nothing of those who ask."""


def _asked(connection: socket.socket) -> bytes:
    """Return what comes within the time, which is one for all of it, up to the blank line."""
    until, said = monotonic() + _SECONDS, b""
    while b"\r\n\r\n" not in said and len(said) < _MOST_BYTES and (left := until - monotonic()) > 0:
        connection.settimeout(left)
        try:
            more = connection.recv(_MOST_BYTES)
        except TimeoutError:
            break
        if not more:
            break
        said += more
    connection.settimeout(_SECONDS)
    return said
