"""How each stream stands: what is committed, since when, and what waits. Only the newest commit of a log is read."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from datastream.catalog import Catalog, Stream, WebhookSpec
from datastream.clock import Clock, SystemClock
from datastream.errors import DatastreamError, Transient
from datastream.resilience import RetryPolicy
from datastream.settings import Settings

if TYPE_CHECKING:
    from datastream.buffers import Buffer
    from datastream.lake.store import Store


_ONCE = RetryPolicy(attempts=1)
"""Who looks is answered soon; whoever wants to know more looks again."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One stream as it is now. What is not there to be asked is None; `problem` says what went wrong."""

    stream: str
    kind: str | None = None
    commits: int | None = None
    last_commit: datetime | None = None
    age: timedelta | None = None
    """How long ago the last commit was decided."""
    waiting: int | None = None
    """Deliveries in the buffer; None for a stream that is read from an API."""
    unannounced: int | None = None
    """Commits that the event bus has not confirmed yet."""
    incidents: int | None = None
    """Of its quality that are open; None where quality-checks has not run."""
    problem: str | None = None


def standings(settings: Settings) -> Iterator[Standing]:
    """Yield how each stream stands. What is away is told once a stream, and never raised."""
    with ExitStack() as opened:
        store, buffer = cache(lambda: store_of(settings)), cache(lambda: _buffer(settings, opened))
        yield from standings_of(Catalog(settings.streams), store, buffer, SystemClock())


def standings_of(
    catalog: Catalog, store: "Callable[[], Store | None]", buffer: "Callable[[], Buffer | None]", clock: Clock
) -> Iterator[Standing]:
    """Yield the same by what is open already; what is asked for here may still have to be opened."""
    lake = _Part(lambda stream: _committed(stream, store(), clock))
    posts = _Part(lambda stream: {"waiting": _waiting(stream, store, buffer(), lake)})
    for name in catalog.names():
        try:
            stream = catalog.stream(name)
        except DatastreamError as error:
            yield Standing(stream=name, problem=str(error))
        else:
            yield _standing(stream, (lake, posts) if isinstance(stream.source, WebhookSpec) else (lake,))


@dataclass(slots=True)
class _Part:
    """The lake or the buffer. Once it was away it is asked no more: each time may cost its timeout."""

    look: Callable[[Stream], dict[str, Any]]
    away: Transient | None = None

    def ask(self, stream: Stream) -> dict[str, Any]:
        if self.away:
            raise self.away
        try:
            return self.look(stream)
        except Transient as error:
            self.away = error
            raise


def _standing(stream: Stream, parts: tuple[_Part, ...]) -> Standing:
    found, problems = Standing(stream=stream.name, kind=stream.source.kind), []
    for part in parts:
        try:
            found = replace(found, **part.ask(stream))
        except DatastreamError as error:
            problems.append(str(error))
    return replace(found, problem=" ".join(problems) or None)


def _committed(stream: Stream, store: "Store | None", clock: Clock) -> dict[str, Any]:
    from datastream.announce import Outbox
    from datastream.lake.log import Log
    from datastream.lanes import lanes_of

    if store is None:
        return {"commits": 0, "unannounced": 0}
    lanes = lanes_of(stream, store, None)
    newest = [commit for lane in lanes if (commit := Log(store, stream.name, lane).newest())]
    decided = max((commit.header.decided_at for commit in newest), default=None)
    return {
        "commits": sum(commit.header.seq for commit in newest),
        "last_commit": decided,
        "age": clock.now() - decided if decided else None,
        "unannounced": sum(Outbox(store, stream.name, lane).waiting() for lane in lanes),
        "incidents": _incidents(store, stream.name),
    }


def _waiting(stream: Stream, store: "Callable[[], Store | None]", buffer: "Buffer | None", lake: _Part) -> int | None:
    """Return how many deliveries wait; where the lake is away, in the lanes that the stream's file names."""
    from datastream.buffers import lane_of
    from datastream.lanes import lanes_of

    if buffer is None:
        return None
    there = None if lake.away else store()
    lanes = lanes_of(stream, there, None) if there else map(str, range(stream.shards))
    return sum(buffer.depth(lane_of(stream.name, lane)) for lane in lanes)


def _incidents(store: "Store", stream: str) -> int | None:
    from datastream.health.known import known

    found = known(store, stream)
    return len(found[0].incidents.open) if found else None


def store_of(settings: Settings) -> "Store | None":
    """Return the lake; None while there is no folder, which looking must not make."""
    from datastream.lake.lake import open_lake

    lake = settings.lake
    return None if lake.folder is not None and not lake.folder.exists() else open_lake(lake, retry=_ONCE)


def _buffer(settings: Settings, opened: ExitStack) -> "Buffer | None":
    from datastream.buffers.redis import open_buffer

    return opened.enter_context(open_buffer(settings.buffer)) if settings.buffer else None
