"""Paginators: which address a position means, and which position comes after an answer. They hold no state.

A position is JSON and is kept in each manifest, so that a run that died in the middle of a window goes on there.
"""

from typing import Protocol

from datastream.catalog import NextLink, PageNumber, Stream
from datastream.errors import Permanent
from datastream.sources.answer import Answer, AnswerUnexpected
from datastream.sources.client import ApiClient
from datastream.sources.window import Position, Window


class PagesWithoutEnd(Permanent):
    """An API names page after page and never the last."""


class Paginator(Protocol):
    """One style of pages."""

    def first(self) -> Position:
        """Return the position of a window's first page."""

    def url(self, position: Position) -> str:
        """Return the address of a page."""

    def after(self, position: Position, answer: Answer, rows: int) -> Position | None:
        """Return the position of the page after this one; None after the last."""

    def ahead(self, position: Position) -> Position | None:
        """Return the position after this one where it can be known without the answer, so as to fetch it early."""


def paginator(stream: Stream, window: Window, client: ApiClient) -> Paginator:
    """Return the paginator that a stream asks for."""
    spec = stream.source.paginate
    if isinstance(spec, PageNumber):
        return PageNumbers(spec, stream.source.path, window, client)
    return NextLinks(spec, stream.source.path, window, client)


class PageNumbers:
    """Pages counted by a parameter: to the total the API names, else to the first empty page.

    When the total shrinks within a window, rows have moved to pages already read: the window is read again from its
    first page, and what was loaded comes again as duplicates. The total only falls, so this ends.
    """

    def __init__(self, spec: PageNumber, path: str, window: Window, client: ApiClient) -> None:
        self._spec, self._path, self._window, self._client = spec, path, window, client

    def first(self) -> Position:
        return {"page": self._spec.first}

    def url(self, position: Position) -> str:
        return self._client.url(self._path, {**self._window.params, self._spec.param: position["page"]})

    def after(self, position: Position, answer: Answer, rows: int) -> Position | None:
        if self._spec.total is None:
            return {"page": position["page"] + 1} if rows else None
        total = self._total(answer)
        if total < position.get("total", total):
            return {"page": self._spec.first, "total": total}
        last = total + self._spec.first - 1
        return {"page": position["page"] + 1, "total": total} if position["page"] < last else None

    def ahead(self, position: Position) -> Position | None:
        total = position.get("total")
        if total is None or position["page"] >= total + self._spec.first - 1:
            return None
        return {"page": position["page"] + 1, "total": total}

    def _total(self, answer: Answer) -> int:
        total = answer.value(self._spec.total or "")
        if not isinstance(total, int) or isinstance(total, bool) or total < 0:
            raise AnswerUnexpected(
                f"{answer.url} gives {total!r} as its number of pages, at {self._spec.total!r}. "
                "Correct source.paginate.total in the stream, or leave it out."
            )
        return total


class NextLinks:
    """Pages that name the next one's address. One page is fetched after the other."""

    def __init__(self, spec: NextLink, path: str, window: Window, client: ApiClient) -> None:
        self._spec, self._path, self._window, self._client = spec, path, window, client
        self._visited: set[str] = set()

    def first(self) -> Position:
        return {"url": self._client.url(self._path, self._window.params)}

    def url(self, position: Position) -> str:
        return str(position["url"])

    def after(self, position: Position, answer: Answer, rows: int) -> Position | None:  # noqa: ARG002 - the contract's
        link = answer.value(self._spec.next)
        if link is None or link == "":
            return None
        if not isinstance(link, str):
            raise AnswerUnexpected(
                f"{answer.url} gives {link!r} as its next page, at {self._spec.next!r}, which is not an address. "
                "Correct source.paginate.next in the stream."
            )
        self._visited.add(position["url"])
        url = self._client.follow(position["url"], link)
        if url in self._visited:
            raise PagesWithoutEnd(
                f"{answer.url} names {url!r} as its next page, which has been read already: following it would never "
                "end. The cursor has not moved; ask the API's owner."
            )
        return {"url": url}

    def ahead(self, position: Position) -> Position | None:  # noqa: ARG002 - the contract's
        return None
