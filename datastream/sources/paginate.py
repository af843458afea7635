"""Paginators: which address a position means, and which position comes after an answer. What they hold is for one run.

A position is JSON and is kept in each manifest, so that a run that died in the middle of a window goes on there.
"""

from http import HTTPStatus
from typing import Protocol

from datastream.catalog import NextLink, PageNumber
from datastream.errors import Permanent
from datastream.sources.answer import Answer, AnswerUnexpected
from datastream.sources.client import ApiClient, ApiRefused
from datastream.sources.window import Position, Window

_MOST_RESTARTS = 3


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

    def stale(self, position: Position, answer: Answer) -> bool:
        """Tell whether an answer seems older than the one before it, as one fetched ahead may be."""


def paginator_of(window: Window, client: ApiClient) -> Paginator:
    """Return the paginator that a window was opened with."""
    if window.paginate["kind"] == "page_number":
        return PageNumbers(PageNumber.model_validate(window.paginate), window, client)
    return NextLinks(NextLink.model_validate(window.paginate), window, client)


class PageNumbers:
    """Pages counted by a parameter: to the total the API names, else to the first empty page.

    When the total or the count shrinks within a window, rows have moved to pages already read: the window is read
    again from its first page, and what was loaded comes again as duplicates. Where only the number of pages is known,
    a row that is deleted or moved within one goes unnoticed: `count` is worth naming.
    """

    def __init__(self, spec: PageNumber, window: Window, client: ApiClient) -> None:
        self._spec, self._window, self._client = spec, window, client
        self._restarts = 0

    def first(self) -> Position:
        return {"page": self._spec.first}

    def url(self, position: Position) -> str:
        return self._client.url(self._window.path, {**self._window.params, self._spec.param: position["page"]})

    def after(self, position: Position, answer: Answer, rows: int) -> Position | None:
        if self._spec.total is None:
            return {"page": position["page"] + 1} if rows else None
        seen = self._seen(answer, self._spec.total)
        if _shrunk(position, seen):
            self._restart(answer)
            return {**seen, "page": self._spec.first}
        self._agree(position["page"], seen["total"], rows, answer)
        if position["page"] >= seen["total"] + self._spec.first - 1:
            return None
        return {**position, **seen, "page": position["page"] + 1}

    def ahead(self, position: Position) -> Position | None:
        total = position.get("total")
        if total is None or position["page"] >= total + self._spec.first - 1:
            return None
        return {**position, "page": position["page"] + 1}

    def stale(self, position: Position, answer: Answer) -> bool:
        return self._spec.total is not None and _shrunk(position, self._seen(answer, self._spec.total))

    def _seen(self, answer: Answer, total: str) -> dict[str, int]:
        paths = {"total": total, "count": self._spec.count}
        return {name: self._number(answer, path) for name, path in paths.items() if path is not None}

    def _number(self, answer: Answer, path: str) -> int:
        number = answer.value(path)
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise AnswerUnexpected(
                f"{answer.url} gives {number!r} at {path!r}, where the stream expects a number of pages or rows. "
                "Correct source.paginate in the stream, or leave total and count out."
            )
        return number

    def _restart(self, answer: Answer) -> None:
        self._restarts += 1
        if self._restarts > _MOST_RESTARTS:
            raise AnswerUnexpected(
                f"{answer.url} gives a smaller total for the {self._restarts}th time in one run, so the window cannot "
                "be read to its end. What was committed stands; run again when the source is quieter."
            )

    def _agree(self, page: int, total: int, rows: int, answer: Answer) -> None:
        """Refuse an answer that contradicts itself: believing it would skip rows."""
        last = total + self._spec.first - 1
        if (rows and page > last) or (not rows and page < last):
            raise AnswerUnexpected(
                f"{answer.url} holds {rows:,} rows as page {page} of {total:,}, which cannot be. The cursor has not "
                "moved; run again, and if it stays so, correct source.paginate.total in the stream."
            )


def _shrunk(position: Position, seen: dict[str, int]) -> bool:
    return any(number < position.get(name, number) for name, number in seen.items())


class NextLinks:
    """Pages that name the next one's address. One page is fetched after the other."""

    def __init__(self, spec: NextLink, window: Window, client: ApiClient) -> None:
        self._spec, self._window, self._client = spec, window, client
        self._visited: set[str] = set()

    def first(self) -> Position:
        return {"url": self._client.url(self._window.path, self._window.params)}

    def url(self, position: Position) -> str:
        try:
            return self._client.follow(position["url"], position["url"])
        except ApiRefused as error:  # the API has moved since this place was kept: it is gone, and not forbidden
            raise ApiRefused(str(error), HTTPStatus.GONE) from error

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

    def stale(self, position: Position, answer: Answer) -> bool:  # noqa: ARG002 - the contract's
        return False
