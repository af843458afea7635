"""Reads a window page by page, in order. Where the paginator knows the next addresses, pages are fetched ahead.

At most `connections` pages wait in memory besides the one in hand.
"""

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future
from typing import NamedTuple

import msgspec

from datastream.sources.fetch import Fetched, Fetcher
from datastream.sources.judge import ApiRefused
from datastream.sources.paginators import PagesWithoutEnd, Paginator
from datastream.sources.request import Request
from datastream.sources.window import Position, Window

_GONE = frozenset({400, 404, 410})


class Page(NamedTuple):
    """The records of one page and the position after it; `after` is None behind the last page."""

    records: list[msgspec.Raw]
    after: Position | None
    begins: bool
    """It is the first of a pass: the window's first page, or that again after a restart."""
    refused: str | None = None
    """Why its one record is none: the answer itself is to be set aside."""
    size_bytes: int = 0
    """Of what was answered."""


class _Early(NamedTuple):
    position: Position
    request: Request
    fetched: Future[Fetched]


class Pages:
    """The pages of one window."""

    def __init__(self, window: Window, max_pages: int, fetcher: Fetcher, paginator: Paginator) -> None:
        self._window, self._max_pages = window, max_pages
        self._fetcher, self._paginator = fetcher, paginator

    def read(self, start: Position | None) -> Generator[Page]:
        """Yield the pages from `start` (None: the first) to the window's end.

        A place that an earlier run reached may be gone, because the source shrank or its links expire. The window is
        then read again from its first page; what was loaded comes again as duplicates.
        """
        first = self._paginator.first()
        pages = self._read(start or first)
        try:
            page = next(pages, None)
        except ApiRefused as error:
            if start in (None, first) or error.status not in _GONE:
                raise
            pages = self._read(first)
            page = next(pages, None)
        if page is not None:
            yield page
            yield from pages

    def _read(self, start: Position) -> Iterator[Page]:
        position: Position | None = start
        first = self._paginator.request(self._paginator.first())
        early: deque[_Early] = deque()
        try:
            for _ in range(self._max_pages):
                if position is None:
                    return
                begins = self._paginator.request(position) == first
                answer, kind, records = self._take(position, early)
                with answer.understood():
                    position = self._paginator.after(position, answer, len(records)) if kind == "page" else None
                refused = f"api: {answer.status}" if kind == "quarantine" else None
                yield Page(records, position, begins, refused, len(answer.body))
            if position is not None:
                raise self._endless(position)
        finally:
            _cancel(early)

    def _take(self, position: Position, early: deque[_Early]) -> Fetched:
        """Return the answer at `position`, and keep as many later ones on their way as there are connections."""
        if early and early[0].request != self._paginator.request(position):
            _cancel(early)  # the window begins again: what was fetched ahead belongs to the old pass
        if not early:
            early.append(self._send(position))
        while len(early) <= self._fetcher.together:
            following = self._paginator.ahead(early[-1].position)
            if following is None:
                break
            early.append(self._send(following))
        taken = early.popleft().fetched.result()
        with taken.answer.understood():
            stale = taken.kind == "page" and self._paginator.stale(position, taken.answer)
        if stale:  # asked before the page in front of it was answered: ask anew
            taken = self._send(position).fetched.result()
        return taken

    def _send(self, position: Position) -> _Early:
        request = self._paginator.request(position)
        return _Early(position, request, self._fetcher.send(request, self._window))

    def _endless(self, position: Position) -> PagesWithoutEnd:
        return PagesWithoutEnd(
            f"{self._paginator.request(position)} would be page {self._max_pages + 1:,} in a row, and the stream "
            "allows no more. Raise source.max_pages in the stream if the API really has so many."
        )


def _cancel(early: deque[_Early]) -> None:
    while early:
        early.popleft().fetched.cancel()
