"""How each stream stands: what is committed, since when, and what waits. Only the newest commit of a log is read."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from datastream.buffers import BufferAway
from datastream.catalog import Catalog, Stream, WebhookSpec
from datastream.clock import Clock, SystemClock
from datastream.errors import DatastreamError
from datastream.settings import Settings

if TYPE_CHECKING:
    from datastream.buffers import Buffer
    from datastream.lake.store import Store


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
    """Yield the same by what is open already; what is asked for here may still have to be opened.

    A buffer that gave no answer for one stream is not waited for by the others, one after another.
    """
    away: BufferAway | None = None
    for name in catalog.names():
        try:
            stream = catalog.stream(name)
            if away and isinstance(stream.source, WebhookSpec):
                raise away
            yield _standing(stream, store(), buffer(), clock)
        except DatastreamError as error:
            away = error if isinstance(error, BufferAway) else away
            yield Standing(stream=name, problem=str(error))


def _standing(stream: Stream, store: "Store | None", buffer: "Buffer | None", clock: Clock) -> Standing:
    from datastream.announce import Outbox
    from datastream.buffers import lane_of
    from datastream.lake.log import Log
    from datastream.lanes import lanes_of

    lanes = lanes_of(stream, store, None) if store else ["0"]
    newest = [commit for lane in lanes if store and (commit := Log(store, stream.name, lane).newest())]
    decided = max((commit.header.decided_at for commit in newest), default=None)
    posted = isinstance(stream.source, WebhookSpec)
    return Standing(
        stream=stream.name,
        kind=stream.source.kind,
        commits=sum(commit.header.seq for commit in newest),
        last_commit=decided,
        age=clock.now() - decided if decided else None,
        waiting=sum(buffer.depth(lane_of(stream.name, lane)) for lane in lanes) if posted and buffer else None,
        unannounced=sum(Outbox(store, stream.name, lane).waiting() for lane in lanes) if store else 0,
        incidents=_incidents(store, stream.name) if store else None,
    )


def _incidents(store: "Store", stream: str) -> int | None:
    from datastream.health.known import known

    found = known(store, stream)
    return len(found[0].incidents.open) if found else None


def store_of(settings: Settings) -> "Store | None":
    """Return the lake; None while there is no folder, which looking must not make."""
    from datastream.lake.lake import open_lake

    lake = settings.lake
    return None if lake.folder is not None and not lake.folder.exists() else open_lake(lake)


def _buffer(settings: Settings, opened: ExitStack) -> "Buffer | None":
    from datastream.buffers.redis import open_buffer

    return opened.enter_context(open_buffer(settings.buffer)) if settings.buffer else None
