"""Takes claims from an API: the next pages of the open window, as many as are committed together.

Nothing is derived from a claim before it is decided, so a claim may be taken again after a crash.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

import msgspec

from datastream.catalog import Stream
from datastream.clock import Clock
from datastream.sources.answer import AnswerUnexpected
from datastream.sources.hooks import HookFailed
from datastream.sources.judge import ApiRefused
from datastream.sources.paginators import PagesWithoutEnd
from datastream.sources.parts import ParentUnfit
from datastream.sources.passes import Pass
from datastream.sources.window import Position, Window


class Offsets(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a lane has come: kept in each manifest, and nowhere else."""

    cursor: str | int | None = None
    """The greatest cursor value of all windows that were read to their end."""
    window: Window | None = None
    """The window that is open, if one is."""
    position: Position | None = None
    """Where in the open window the next page lies."""
    parents: dict[str, dict[str, int]] = {}
    """How far the lanes of the parent, by its name, had come when the last window was opened that was read whole."""
    empty: bool = False
    """The last pass found nothing, and what it took the place of is gone."""


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
    reads: Pass
    clock: Clock
    stopped: Callable[[], bool]
    """Tells when nobody wants more."""


def take(reading: Reading, offsets: Offsets, fresh: Window) -> Iterator[Taken]:
    """Yield the claims of the open window, or of the `fresh` one.

    A claim holds whole pages, at most `batch.rows_per_commit` rows, unless a single page is larger, and no more than
    came within `batch.interval`. A new window without rows yields nothing, unless it asked for new rows of a parent, or
    takes the place of records; an open one that has nothing left yields an empty claim, which closes it.

    An open window is read as it was asked, whatever the stream file says by now. Where that fails and the file asks
    another question, the window is begun again with that one: the cursor has not moved, so this only reads rows twice.
    """
    window = offsets.window or fresh
    to_tell = offsets.window is not None or (reading.stream.load == "replace" and not offsets.empty)
    asked = window.parent
    to_tell = to_tell or (asked is not None and asked.upto != offsets.parents.get(asked.stream, {}))
    try:
        yield from _claims(reading, window, offsets.position, to_tell=to_tell)
    except (ApiRefused, AnswerUnexpected, PagesWithoutEnd, HookFailed, ParentUnfit):
        spec = reading.stream.api.cursor
        if window.without(spec) == fresh.without(spec) and (window.since is None) == (fresh.since is None):
            raise
        yield from _claims(reading, fresh, None, to_tell=True)


def _claims(reading: Reading, window: Window, start: Position | None, *, to_tell: bool) -> Iterator[Taken]:
    batch = reading.stream.batch
    gathered, refused, begins, position = list[Any](), dict[int, str](), start is None, start
    since = reading.clock.monotonic()
    with closing(reading.reads.read(window, start)) as pages:
        for page in pages:
            if reading.stopped():
                return
            full = gathered and (len(gathered) + len(page.records) > batch.rows_per_commit or page.begins)
            old = position != start and reading.clock.monotonic() - since >= batch.interval.total_seconds()
            if full or old:
                yield Taken(records=gathered, window=window, position=position, begins=begins, refused=refused)
                gathered, refused, begins, to_tell = [], {}, False, True
                start, since = position, reading.clock.monotonic()
            begins = begins or page.begins
            if page.refused is not None:
                refused[len(gathered)] = page.refused
            gathered += page.records
            position = page.after
    if gathered or to_tell:
        yield Taken(records=gathered, window=window, position=None, begins=begins, refused=refused)
