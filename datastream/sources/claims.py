"""Takes claims from an API: the next pages of the open window, as many as are committed together.

Nothing is derived from a claim before it is decided, so a claim may be taken again after a crash.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from datastream.catalog import Stream
from datastream.clock import Clock
from datastream.resilience import RetryPolicy
from datastream.sources.client import ApiClient
from datastream.sources.pages import Pages
from datastream.sources.paginate import paginator
from datastream.sources.window import Position, Window, open_window


class Offsets(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a lane has come: kept in each manifest, and nowhere else."""

    cursor: str | int | None = None
    """The greatest cursor value of all windows that were read to their end."""
    window: Window | None = None
    """The window that is open, if one is."""
    position: Position | None = None
    """Where in the open window the next page lies."""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """The records of one claim as they came, and what the window looked like when they were taken."""

    records: list[Any]
    window: Window
    position: Position | None
    """Behind the last record; None when the window is read."""


def take(
    stream: Stream,
    client: ApiClient,
    offsets: Offsets,
    now: datetime,
    clock: Clock,
    retry: RetryPolicy,
    stopped: Callable[[], bool],
) -> Iterator[Taken]:
    """Yield the claims of the open window, or of a new one.

    A claim holds whole pages, at most `batch.rows_per_commit` rows, unless a single page is larger. A new window whose
    first page is empty yields nothing; an open one that has nothing left yields an empty claim, which closes it.
    Nothing more is yielded once `stopped` says so.
    """
    window = offsets.window or open_window(stream, offsets.cursor, now)
    pages = Pages(window.records, stream.source.max_pages, client, paginator(window, client), clock, retry)
    gathered: list[Any] = []
    position: Position | None = offsets.position
    yielded = offsets.window is not None  # a window that earlier commits opened is closed by one, even an empty one
    for page in pages.read(offsets.position):
        if stopped():
            return
        if gathered and len(gathered) + len(page.records) > stream.batch.rows_per_commit:
            yield Taken(records=gathered, window=window, position=position)
            gathered, yielded = [], True
        gathered += page.records
        position = page.after
    if gathered or yielded:
        yield Taken(records=gathered, window=window, position=None)
