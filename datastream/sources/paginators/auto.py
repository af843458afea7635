"""Finds out from a window's first answer how its pages follow each other, and keeps what it found in the position.

Only what an answer says counts: a `Link` header, the address of a next page, a token, a number of pages. An answer that
says nothing of the kind is taken for all there is.
"""

from collections.abc import Callable
from typing import Any

from datastream.catalog import HeaderLink, NextLink, PageNumber, Single, Token
from datastream.sources.answer import Answer
from datastream.sources.paginators.contract import Paginator
from datastream.sources.request import Request
from datastream.sources.window import Position, Window

_NEXT = (
    "next", "next_url", "next_page_url", "links.next", "links.next.href", "_links.next", "_links.next.href",
    "paging.next", "paging.next.link", "pagination.next", "pagination.next_url", "meta.next", "info.next", "nextLink",
    "@odata.nextLink", "links.nextPage",
)  # fmt: skip
_TOKENS = {
    "next_cursor": "cursor", "meta.next_cursor": "cursor", "pagination.next_cursor": "cursor",
    "response_metadata.next_cursor": "cursor", "cursor.next": "cursor", "cursors.next": "cursor",
    "paging.cursors.after": "after", "paging.next.after": "after", "next_page_token": "page_token",
    "nextPageToken": "pageToken", "nextCursor": "cursor",
}  # fmt: skip
"""Where a token lies, and the parameter that usually takes it. A wrong guess is met by the same token again."""
_TOTALS = (
    "total_pages", "totalPages", "pages", "page_count", "meta.total_pages", "meta.totalPages", "pagination.total_pages",
    "pagination.totalPages", "pagination.pages", "page_info.total_pages", "page.totalPages",
)  # fmt: skip
_NUMBERS = ("page", "current_page", "currentPage", "page_number", "pageNumber", "number")
"""What tells, beside the number of pages, which one it is: whether they are counted from 0."""

Found = PageNumber | NextLink | HeaderLink | Token | Single


def detect(answer: Answer) -> Found:
    """Return how the pages of an API follow each other, as its first answer tells."""
    if "next" in answer.links:
        return HeaderLink(kind="header_link")
    for path in _NEXT:
        if _is_address(answer.value(path)):
            return NextLink(kind="next_link", next=path)
    for path, param in _TOKENS.items():
        token = answer.value(path)
        if isinstance(token, str | int) and not isinstance(token, bool) and token != "":
            return Token(kind="cursor", next=path, param=param)
    for path in _TOTALS:
        total = answer.value(path)
        if _is_number(total) and total > 1:
            first = _first(answer, path)
            return PageNumber(kind="page_number", total=path, first=1 if first is None else first)
    return Single(kind="single")


def _first(answer: Answer, total: str) -> int | None:
    """Return the number of the first page, as its answer tells it beside the total."""
    beside = total.rpartition(".")[0]
    numbers = (answer.value(f"{beside}.{name}" if beside else name) for name in _NUMBERS)
    return next((number for number in numbers if _is_number(number) and number in (0, 1)), None)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://", "/", "?"))


class Detected:
    """Pages of whatever kind the first answer shows."""

    def __init__(self, window: Window, base_url: str, made: Callable[[Found], Paginator]) -> None:
        self._window, self._base_url, self._made = window, base_url, made
        self._inner: tuple[dict[str, Any], Paginator] | None = None

    def first(self) -> Position:
        return {}

    def request(self, position: Position) -> Request:
        return self._of(position["found"]).request(position) if position else self._window.at(self._base_url)

    def after(self, position: Position, answer: Answer, rows: int) -> Position | None:
        found = position.get("found") or detect(answer).model_dump()
        paginator = self._of(found)
        if not position and found["kind"] == "page_number" and _first(answer, found["total"]) is None:
            return self._with(found, paginator.first())  # page 1 may be the second: it is asked for, and may come again
        following = paginator.after(position or paginator.first(), answer, rows)
        if following is not None and paginator.request(following) == paginator.request(paginator.first()):
            return self.first()  # the window begins again, and whoever reads it has to see that
        return self._with(found, following)

    def ahead(self, position: Position) -> Position | None:
        return self._with(position["found"], self._of(position["found"]).ahead(position)) if position else None

    def stale(self, position: Position, answer: Answer) -> bool:
        return bool(position) and self._of(position["found"]).stale(position, answer)

    def _of(self, found: dict[str, Any]) -> Paginator:
        if self._inner is None or self._inner[0] != found:
            self._inner = found, self._made(_KINDS[found["kind"]].model_validate(found))
        return self._inner[1]

    @staticmethod
    def _with(found: dict[str, Any], position: Position | None) -> Position | None:
        return None if position is None else {**position, "found": found}


_KINDS: dict[str, type[Found]] = {
    "page_number": PageNumber, "next_link": NextLink, "header_link": HeaderLink, "cursor": Token, "single": Single,
}  # fmt: skip
