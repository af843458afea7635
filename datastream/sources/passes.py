"""Reads a window: all its parts, as one row of pages with positions to go on from.

In a window of several parts a position names the part, and where in it the next page lies.
"""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import msgspec

from datastream.sources.client import ApiClient
from datastream.sources.fetch import Fetcher
from datastream.sources.hooks import Hooked
from datastream.sources.pages import Page, Pages
from datastream.sources.paginators import paginator_of
from datastream.sources.parts import Parents, Part, parts
from datastream.sources.side_by_side import InOrder, side_by_side
from datastream.sources.window import Position, Window

_MOST_WAITING_BYTES = 64 * 1024 * 1024
"""Of answers that later parts gave, as they came: what is made of them takes a few times as much."""


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """What a window is read with."""

    client: ApiClient
    hooked: Hooked
    parents: Parents
    max_pages: int
    bare: frozenset[str]
    """The columns of CSV that are no text."""

    def read(self, window: Window, start: Position | None) -> Generator[Page]:
        """Yield the pages from `start` (None: the first) to the window's end."""
        connections = self.client.connections
        with ThreadPoolExecutor(connections, thread_name_prefix="fetch") as threads:
            fetcher = Fetcher(self.client, threads, self.hooked, self.bare)
            if window.parent is None and window.step is None:
                yield from self._pages(Part(None, window), fetcher).read(start)
                return
            begin, at = (start["part"], start["page"]) if start else (None, None)

            def read(part: Part) -> Generator[Page]:
                if part.unaskable is not None:
                    return _set_aside(part)
                return self._pages(part, fetcher).read(at if part.name == begin else None)

            coming = side_by_side(parts(window, self.parents, begin), read, connections, _MOST_WAITING_BYTES)
            with closing(coming):
                yield from _joined(coming, start, ordered=window.parent is None)

    def _pages(self, part: Part, fetcher: Fetcher) -> Pages:
        return Pages(part.window, self.max_pages, fetcher, paginator_of(part.window, self.client.base_url))


def _joined(coming: Iterator[InOrder], start: Position | None, *, ordered: bool) -> Iterator[Page]:
    """Yield the pages of parts as those of one window, which begins once.

    Where spans are `ordered`, one that is begun again begins the window again: what was read before says nothing of its
    order. Calls have none, and a call that is begun again takes nothing back of what the others brought.
    """
    part: Part | None = None
    within = start["part"] if start and start["page"] is not None else None
    for each in coming:
        opened, fresh = each.part is not part, part is None and start is None
        again = ordered and (not opened or each.part.name == within)
        part = each.part
        yield each.page._replace(
            records=[_with(part.fields, record) for record in each.page.records],
            begins=each.page.begins and (fresh or again),
            after=_after(each),
        )


def _after(each: InOrder) -> Position | None:
    if each.page.after is not None:
        return {"part": each.part.name, "page": each.page.after}
    return None if each.following is None else {"part": each.following.name, "page": None}


def _with(fields: Any, record: msgspec.Raw) -> msgspec.Raw:
    """Return a record with more fields. One that has such a field itself has it twice then, and is set aside for it."""
    text = bytes(record).rstrip() if fields else b""
    if not text.startswith(b"{"):
        return record
    comma = b"" if text[1:-1].strip() == b"" else b","
    return msgspec.Raw(text[:-1] + comma + msgspec.json.encode(fields)[1:])


def _set_aside(part: Part) -> Generator[Page]:
    told = {"parent": part.name, "why": part.unaskable}
    yield Page([msgspec.Raw(msgspec.json.encode(told))], None, begins=True, refused="parent")
