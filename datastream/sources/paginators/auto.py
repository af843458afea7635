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
    "paging.next", "pagination.next", "pagination.next_url", "meta.next", "info.next", "@odata.nextLink",
)  # fmt: skip
_TOKENS = {
    "next_cursor": "cursor", "meta.next_cursor": "cursor", "pagination.next_cursor": "cursor",
    "response_metadata.next_cursor": "cursor", "cursor.next": "cursor", "cursors.next": "cursor",
    "paging.cursors.after": "after", "next_page_token": "page_token", "nextPageToken": "pageToken",
}  # fmt: skip
"""Where a token lies, and the parameter that usually takes it. A wrong guess is met by the same token again."""
_TOTALS = ("total_pages", "pages", "page_count", "meta.total_pages", "pagination.total_pages", "pagination.pages")

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
        if isinstance(total, int) and not isinstance(total, bool) and total > 1:
            return PageNumber(kind="page_number", total=path)
    return Single(kind="single")


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
        return self._with(found, paginator.after(position or paginator.first(), answer, rows))

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
