"""Takes claims from an API: the next pages of the open window, as many as are committed together.

Nothing is derived from a claim before it is decided, so a claim may be taken again after a crash.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from datastream.catalog import Stream
from datastream.sources.answer import AnswerUnexpected
from datastream.sources.client import ApiClient
from datastream.sources.judge import ApiRefused
from datastream.sources.pages import Pages
from datastream.sources.paginators import PagesWithoutEnd, paginator_of
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
    begins: bool
    """Whether its first page is the window's first: what was read before it says nothing of the order."""
    refused: Mapping[int, str] = {}
    """Which of `records` is an answer that is to be set aside, and why."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a lane reads with."""

    stream: Stream
    client: ApiClient
    stopped: Callable[[], bool]
    """Tells when nobody wants more."""


def take(reading: Reading, offsets: Offsets, now: datetime) -> Iterator[Taken]:
    """Yield the claims of the open window, or of a new one.

    A claim holds whole pages, at most `batch.rows_per_commit` rows, unless a single page is larger. A new window whose
    first page is empty yields nothing; an open one that has nothing left yields an empty claim, which closes it.

    An open window is read as it was asked, whatever the stream file says by now. Where that fails and the file asks
    another question, the window is begun again with that one: the cursor has not moved, so this only reads rows twice.
    """
    fresh = open_window(reading.stream, offsets.cursor, now)
    window = offsets.window or fresh
    try:
        yield from _claims(reading, window, offsets.position, is_open=offsets.window is not None)
    except (ApiRefused, AnswerUnexpected, PagesWithoutEnd):
        spec = reading.stream.api.cursor
        if window.without(spec) == fresh.without(spec) and (window.since is None) == (fresh.since is None):
            raise
        yield from _claims(reading, fresh, None, is_open=True)


def _claims(reading: Reading, window: Window, start: Position | None, *, is_open: bool) -> Iterator[Taken]:
    stream = reading.stream
    paginator = paginator_of(window, reading.client.base_url)
    pages = Pages(window, stream.api.max_pages, reading.client, paginator, stream.schema_spec.bare)
    gathered, refused = list[Any](), dict[int, str]()
    begins = False
    position: Position | None = start
    for page in pages.read(start):
        if reading.stopped():
            return
        full = len(gathered) + len(page.records) > stream.batch.rows_per_commit
        if gathered and (full or page.begins):
            yield Taken(records=gathered, window=window, position=position, begins=begins, refused=refused)
            gathered, refused, is_open, begins = [], {}, True, False
        begins = begins or page.begins
        if page.refused is not None:
            refused[len(gathered)] = page.refused
        gathered += page.records
        position = page.after
    if gathered or is_open:
        yield Taken(records=gathered, window=window, position=None, begins=begins, refused=refused)
