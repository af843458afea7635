"""What Prometheus is told of the platform from outside its runs: by lake, buffer, broker and blocks.

Runs are too short to be scraped, and the gateway is too light to read a lake. So one process, beside those it watches,
reads at each scrape what they left behind. Of a log it reads the newest commit, and each commit that came since, once.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from datastream.catalog import Catalog, Stream
from datastream.clock import Clock
from datastream.errors import DatastreamError, Permanent
from datastream.lake import layout
from datastream.lake.log import Log
from datastream.observe.metric import Metric
from datastream.records import Accounts
from deployments.standing import Standing

if TYPE_CHECKING:
    from datetime import datetime

    from prometheus_client.metrics_core import Metric as Family

    from datastream.lake.store import Store
    from datastream.resilience import BreakerState

logger = logging.getLogger(__name__)

_FATES = ("read", "loaded", "quarantined", "duplicates", "replayed")
_PRIORITY = "default"
_CERTIFICATES_STAY = timedelta(minutes=5)


STREAM_UP = Metric(
    "datastream_stream_up",
    "1 if a stream's file, log and buffer could be read, else 0; `datastream status` says why not.",
    ("stream",),
)
LAST_COMMIT = Metric(
    "datastream_last_commit_timestamp_seconds", "When the last commit of a stream was decided.", ("stream",)
)
FRESH_WITHIN = Metric(
    "datastream_fresh_within_seconds",
    "How old the last commit may be, as `quality.fresh_within` in the stream's file says; absent where it does not.",
    ("stream",),
)
WAITING = Metric(
    "datastream_waiting", "Deliveries in the buffer. When it only grows, no run drains the stream.", ("stream",)
)
UNANNOUNCED = Metric("datastream_unannounced_commits", "Commits that the event bus has not confirmed yet.", ("stream",))
INCIDENTS = Metric(
    "datastream_incidents", "Open incidents of a stream's quality; absent until quality-checks has run.", ("stream",)
)
ROWS = Metric(
    "datastream_rows",
    "Rows of the commits that were made since this process began, by what became of them.",
    ("stream", "fate"),
)
QUARANTINED_AT_MOST = Metric(
    "datastream_quarantined_at_most_ratio",
    "The share of rows that may be set aside, as `quality.quarantined_at_most` says; absent where it does not.",
    ("stream",),
)
QUEUE = Metric("event_queue_depth", "Messages that wait in a queue of RabbitMQ.", ("queue", "priority"))
BREAKER = Metric(
    "datastream_breaker_open",
    "1 while a dependency is left alone after failures, 0 while it has failed lately; absent when it is well.",
    ("dependency",),
)
CERTIFICATE = Metric(
    "datastream_certificate_end_timestamp_seconds",
    "When the certificate ends that a stream's API is shown.",
    ("stream",),
)
UP = Metric("datastream_up", "1 if a dependency could be asked, else 0.", ("dependency",))
TABLE = (
    STREAM_UP, LAST_COMMIT, FRESH_WITHIN, WAITING, UNANNOUNCED, INCIDENTS, ROWS, QUARANTINED_AT_MOST, QUEUE, BREAKER,
    CERTIFICATE, UP,
)  # fmt: skip

Found: TypeAlias = dict[Metric, dict[tuple[str, ...], float]]
Part: TypeAlias = Callable[[Found], None]
"""Adds what one dependency has to tell. Raises an error of ours where that cannot be asked."""


class Rows:
    """Counts the rows of each commit once, from when it was first asked: counters begin at 0 with their process.

    A lake that was put back to an earlier commit is counted again once it has passed the newest that was seen here.
    """

    def __init__(self) -> None:
        self._logs: dict[tuple[str, str], tuple[Log, int]] = {}
        self._sums: dict[str, Accounts] = {}

    def count(self, store: "Store", stream: str) -> Accounts:
        """Return the sum over all lanes, with what was committed since it was last asked for."""
        lanes = store.folders(layout.log_of(stream))
        if stream not in self._sums:
            logs = {lane: Log(store, stream, lane) for lane in lanes}
            newest = {lane: log.newest() for lane, log in logs.items()}
            self._logs |= {(stream, lane): (logs[lane], last.header.seq) for lane, last in newest.items() if last}
            self._sums[stream] = Accounts()
        for lane in lanes:
            log, seq = self._logs.get((stream, lane)) or (Log(store, stream, lane), 0)
            for commits in log.after(seq):
                seq = commits[-1].header.seq
                self._sums[stream] = sum((commit.header.accounts for commit in commits), start=self._sums[stream])
                self._logs[stream, lane] = log, seq
        return self._sums[stream]


class Figures:
    """A collector: each scrape reads anew, one after another, and what cannot be read is left out and told as down."""

    def __init__(
        self,
        catalog: Catalog,
        standings: Callable[[], Iterable[Standing]],
        store: "Callable[[], Store | None]",
        parts: Mapping[str, Part],
    ) -> None:
        """`parts` are what is told beside the streams, by the dependencies that are asked for it."""
        self._catalog, self._standings, self._store, self._parts = catalog, standings, store, parts
        self._rows, self._lock = Rows(), Lock()
        self._away: set[str] = set()

    def collect(self) -> "list[Family]":
        """Return every figure as it is now."""
        found: Found = defaultdict(dict)
        with self._lock:
            for standing in self._standings():
                well = standing.problem is None and self._told(standing.stream, self._tell_of, found, standing.stream)
                found[STREAM_UP][(standing.stream,)] = well
                _tell_standing(found, standing)
            for name, part in self._parts.items():
                found[UP][(name,)] = self._told(name, part, found)
        return [_family(metric, found[metric]) for metric in TABLE]

    def _tell_of(self, found: Found, name: str) -> None:
        quality, store = self._catalog.stream(name).quality, self._store()
        if quality.fresh_within is not None:
            found[FRESH_WITHIN][(name,)] = quality.fresh_within.total_seconds()
        if quality.quarantined_at_most is not None:
            found[QUARANTINED_AT_MOST][(name,)] = quality.quarantined_at_most
        rows = self._rows.count(store, name) if store else Accounts()
        for fate in _FATES:
            found[ROWS][name, fate] = getattr(rows, fate)

    def _told(self, name: str, tell: Callable[..., None], *told: object) -> bool:
        try:
            tell(*told)
        except DatastreamError as error:
            if name not in self._away:  # once, and not at each scrape
                logger.warning("Left out of the metrics until it is back: %s", error)
            self._away.add(name)
            return False
        self._away.discard(name)
        return True


def _family(metric: Metric, samples: Mapping[tuple[str, ...], float]) -> "Family":
    kind = CounterMetricFamily if metric is ROWS else GaugeMetricFamily
    family = kind(metric.name, metric.meaning, labels=metric.labels)
    for labels, value in samples.items():
        family.add_metric(labels, float(value))
    return family


def _tell_standing(found: Found, standing: Standing) -> None:
    known = {
        LAST_COMMIT: standing.last_commit.timestamp() if standing.last_commit else None,
        WAITING: standing.waiting,
        UNANNOUNCED: standing.unannounced,
        INCIDENTS: standing.incidents,
    }
    for metric, value in known.items():
        if value is not None:
            found[metric][(standing.stream,)] = value


def queues(depths: Callable[[], Mapping[str, int]]) -> Part:
    """Tell how much waits in each queue of the broker."""

    def tell(found: Found) -> None:
        found[QUEUE] = {(queue, _PRIORITY): depth for queue, depth in depths().items()}

    return tell


def breakers(states: "Callable[[], Mapping[str, BreakerState]]", clock: Clock) -> Part:
    """Tell which dependencies are left alone."""

    def tell(found: Found) -> None:
        found[BREAKER] = {(name,): state.stage(clock.now()) != "closed" for name, state in states().items()}

    return tell


def certificates(catalog: Catalog, end: "Callable[[Stream], datetime | None]", clock: Clock) -> Part:
    """Tell when certificates end. `end` is asked every few minutes only: it reads secrets, which change by hand."""
    kept: dict[tuple[str, ...], float | None] = {}
    unread: DatastreamError | None = None
    read_at: float | None = None

    def tell(found: Found) -> None:
        nonlocal kept, read_at, unread
        if read_at is None or clock.monotonic() - read_at > _CERTIFICATES_STAY.total_seconds():
            before, kept, unread = kept, {}, None
            for stream in _whole(catalog):
                try:
                    moment = end(stream)
                    kept[(stream.name,)] = moment.timestamp() if moment else None
                except Permanent:  # the block is missing or unusable, and the server is well: the stream's runs say so
                    kept[(stream.name,)] = None
                except DatastreamError as error:  # one that cannot be read must not hide the others'
                    kept[(stream.name,)] = before.get((stream.name,))
                    unread = error
            read_at = clock.monotonic()  # also of what failed: a server that hangs must not hold up every scrape
        found[CERTIFICATE] = {labels: ends for labels, ends in kept.items() if ends is not None}
        if unread is not None:
            raise unread

    return tell


def _whole(catalog: Catalog) -> Iterator[Stream]:
    for name in catalog.names():
        with suppress(DatastreamError):  # its standing tells what is wrong with it
            yield catalog.stream(name)
