"""Pages of which each names the next: by its address or by a token. They are fetched one after the other.

What comes twice would come for ever: an address, or a token, that has been there ends the run with a sentence.
"""

import hashlib
from http import HTTPStatus
from typing import Any

from datastream.catalog import HeaderLink, NextLink, Token
from datastream.sources.answer import Answer, AnswerUnexpected
from datastream.sources.judge import ApiRefused
from datastream.sources.paginators.contract import OneByOne, PagesWithoutEnd, there_are_more
from datastream.sources.request import Request, same_host
from datastream.sources.window import Position, Window


class Visited:
    """What has been read in this run, told apart by a few bytes each."""

    def __init__(self) -> None:
        self._hashes: set[bytes] = set()

    def go_on(self, answer: Answer, place: str, following: str) -> None:
        """Leave a place for the one that an answer names. Raises PagesWithoutEnd if that has been there."""
        self._hashes.add(_hash(place))
        if _hash(following) in self._hashes:
            raise PagesWithoutEnd(
                f"{answer.url} names {following!r} as its next page, which has been read already: following it would "
                "never end. The cursor has not moved; ask the API's owner."
            )


def _hash(place: str) -> bytes:
    return hashlib.sha256(place.encode(errors="surrogatepass")).digest()[:12]


class Links(OneByOne):
    """Pages that name the next one's address, in their body or in the header `Link`."""

    def __init__(self, spec: NextLink | HeaderLink, window: Window, base_url: str) -> None:
        self._spec, self._window, self._base_url = spec, window, base_url
        self._visited = Visited()

    def first(self) -> Position:
        return {"url": self._window.at(self._base_url).url}

    def request(self, position: Position) -> Request:
        asked = self._window.at(self._base_url)
        if not same_host(position["url"], self._base_url):  # the API has moved since: the place is gone, not forbidden
            raise ApiRefused(
                f"{position['url']} is where an earlier run stopped, and is not on {self._base_url}.", HTTPStatus.GONE
            )
        return Request(position["url"], asked.method, asked.headers, asked.body)

    def after(self, position: Position, answer: Answer, rows: int) -> Position | None:  # noqa: ARG002 - the contract's
        link = self._link(answer)
        if not link:
            return None
        url = answer.address(link)
        if not same_host(url, self._base_url):
            raise ApiRefused(
                f"{position['url']} names {url!r} as its next page, which is not on {self._base_url}. "
                "Its credentials are not sent elsewhere; correct the API block's base_url if the API has moved."
            )
        self._visited.go_on(answer, position["url"], url)
        return {"url": url}

    def _link(self, answer: Answer) -> str | None:
        if isinstance(self._spec, HeaderLink):
            return answer.links.get(self._spec.rel)
        link = answer.value(self._spec.next)
        if link is not None and not isinstance(link, str):
            raise AnswerUnexpected(
                f"{answer.url} gives {link!r} as its next page, at {self._spec.next!r}, which is not an address. "
                "Correct source.paginate.next in the stream."
            )
        return link


class Tokens(OneByOne):
    """Pages that name a token, which is sent to have the next one."""

    def __init__(self, spec: Token, window: Window, base_url: str) -> None:
        self._spec, self._window, self._base_url = spec, window, base_url
        self._visited = Visited()

    def first(self) -> Position:
        return {"token": None}

    def request(self, position: Position) -> Request:
        return self._window.with_(self._spec.place, self._spec.param, position["token"]).at(self._base_url)

    def after(self, position: Position, answer: Answer, rows: int) -> Position | None:  # noqa: ARG002 - the contract's
        token = self._token(answer)
        nothing = token is None or token in ("", False)  # and 0, with which some end
        if self._spec.more is not None:
            if not there_are_more(answer, self._spec.more):
                return None
            if nothing:
                raise AnswerUnexpected(
                    f"{answer.url} says that there are more pages, and names no token of the next one at "
                    f"{self._spec.next or self._spec.header!r}. Correct source.paginate in the stream. The cursor has "
                    "not moved."
                )
        if nothing:
            return None
        if not isinstance(token, str | int) or isinstance(token, bool):
            raise AnswerUnexpected(
                f"{answer.url} gives {token!r} as the token of its next page, at {self._spec.next!r}, which is neither "
                "text nor a number. Correct source.paginate.next in the stream."
            )
        self._visited.go_on(answer, repr(position["token"]), repr(token))
        return {"token": token}

    def _token(self, answer: Answer) -> Any:
        if self._spec.header is not None:
            return answer.headers.get(self._spec.header)
        return answer.value(self._spec.next or "")


class OnePage(OneByOne):
    """One answer that holds everything."""

    def __init__(self, window: Window, base_url: str) -> None:
        self._window, self._base_url = window, base_url

    def first(self) -> Position:
        return {}

    def request(self, position: Position) -> Request:  # noqa: ARG002 - the contract's
        return self._window.at(self._base_url)

    def after(self, position: Position, answer: Answer, rows: int) -> Position | None:  # noqa: ARG002 - the contract's
        return None
