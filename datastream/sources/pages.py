"""Reads a window page by page, in order. Where the paginator knows the next addresses, pages are fetched ahead.

At most `connections` pages wait in memory besides the one in hand.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import msgspec

from datastream.sources.answer import Answer
from datastream.sources.client import ApiClient, ApiRefused
from datastream.sources.paginate import PagesWithoutEnd, Paginator
from datastream.sources.window import Position

_GONE = frozenset({400, 404, 410})


class Page(NamedTuple):
    """The records of one page and the position after it; `after` is None behind the last page."""

    records: list[msgspec.Raw]
    after: Position | None
    begins: bool
    """It is the first of a pass: the window's first page, or that again after a restart."""


class _Early(NamedTuple):
    position: Position
    url: str
    fetched: Future[tuple[Answer, list[msgspec.Raw]]]


class Pages:
    """The pages of one window, whose records lie at `records` in each answer."""

    def __init__(self, records: str, max_pages: int, client: ApiClient, paginator: Paginator) -> None:
        self._records, self._max_pages = records, max_pages
        self._client, self._paginator = client, paginator

    def read(self, start: Position | None) -> Iterator[Page]:
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
        first = self._paginator.url(self._paginator.first())
        early: deque[_Early] = deque()
        with ThreadPoolExecutor(self._client.connections, thread_name_prefix="fetch") as threads:
            try:
                for _ in range(self._max_pages):
                    if position is None:
                        return
                    begins = self._paginator.url(position) == first
                    answer, records = self._take(position, early, threads)
                    position = self._paginator.after(position, answer, len(records))
                    yield Page(records, position, begins)
                if position is not None:
                    raise self._endless(position)
            finally:
                _cancel(early)

    def _take(
        self, position: Position, early: deque[_Early], threads: ThreadPoolExecutor
    ) -> tuple[Answer, list[msgspec.Raw]]:
        """Return the answer at `position`, and keep as many later ones on their way as there are connections."""
        if early and early[0].url != self._paginator.url(position):
            _cancel(early)  # the window begins again: what was fetched ahead belongs to the old pass
        if not early:
            early.append(self._send(position, threads))
        while len(early) <= self._client.connections:
            following = self._paginator.ahead(early[-1].position)
            if following is None:
                break
            early.append(self._send(following, threads))
        taken = early.popleft().fetched.result()
        if self._paginator.stale(position, taken[0]):  # asked before the page in front of it was answered: ask anew
            taken = self._send(position, threads).fetched.result()
        return taken

    def _send(self, position: Position, threads: ThreadPoolExecutor) -> _Early:
        url = self._paginator.url(position)
        return _Early(position, url, threads.submit(self._client.dependency.call, partial(self._fetch, url)))

    def _fetch(self, url: str) -> tuple[Answer, list[msgspec.Raw]]:
        """Fetch one page and find its records: an answer that is not JSON counts as broken off, and is asked again."""
        answer = Answer(url, self._client.get(url))
        return answer, answer.records(self._records)

    def _endless(self, position: Position) -> PagesWithoutEnd:
        return PagesWithoutEnd(
            f"{self._paginator.url(position)} would be page {self._max_pages + 1:,} of one run, and the stream "
            "allows no more. Raise source.max_pages in the stream if the API really has so many."
        )


def _cancel(early: deque[_Early]) -> None:
    while early:
        early.popleft().fetched.cancel()
