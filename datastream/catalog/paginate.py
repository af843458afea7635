"""How the pages of an API follow each other, as a stream file says it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from datastream.catalog.model import ENTRY, Model

Place = Literal["query", "header", "body"]
"""Where a parameter goes. In a body its name is a path, such as `filter.since`."""


class PageNumber(Model):
    """Pages counted by a parameter. With `total` (a path to the number of pages) they are fetched concurrently."""

    kind: Literal["page_number"]
    param: str = "page"
    place: Place = "query"
    first: int = 1
    total: str | None = None
    count: str | None = None
    """A path to the number of rows. When it falls while a window is read, rows have moved, and it is read again."""
    more: str | None = None
    """A path to whether there are more pages. Without it and `total`, an empty page is the last."""

    @model_validator(mode="after")
    def _count_needs_total(self) -> Self:
        if self.more and self.total:
            raise ValueError("more and total both tell where the pages end; name total alone")
        if self.count and not self.total:
            raise ValueError("count is only looked at with total, the path to the number of pages; name it too")
        return self


class Offset(Model):
    """Pages that begin at a row counted by a parameter. An empty page is the last; with `count` it is known before."""

    kind: Literal["offset"]
    param: str = "offset"
    place: Place = "query"
    first: int = Field(default=0, ge=0)
    """The number of the first row."""
    limit: int = Field(default=100, ge=1)
    limit_param: str = "limit"
    count: str | None = None
    """A path to the number of rows. Pages are then fetched concurrently, and a row that is deleted is noticed."""
    more: str | None = None
    """A path to whether there are more rows. Without it and `count`, an empty page is the last."""

    @model_validator(mode="after")
    def _one_tells_the_end(self) -> Self:
        if self.more and self.count:
            raise ValueError("more and count both tell where the rows end; name count alone")
        return self


class NextLink(Model):
    """Each answer names the URL of the next page at the path `next`; null, empty or absent ends the window."""

    kind: Literal["next_link"]
    next: str = "next"


class HeaderLink(Model):
    """Each answer names the URL of the next page in its header `Link` (RFC 8288)."""

    kind: Literal["header_link"]
    rel: str = "next"


class Token(Model):
    """Each answer names a token of the next page, in its body or in a header; null, empty or absent ends the window."""

    kind: Literal["cursor"]
    param: str = "cursor"
    place: Place = "query"
    next: str | None = None
    """A path to the token in the body."""
    header: str | None = None
    """The header that holds the token."""
    more: str | None = None
    """A path to whether there are more pages, where the last page has a token too."""

    @model_validator(mode="after")
    def _token_lies_somewhere(self) -> Self:
        if (self.next is None) == (self.header is None):
            raise ValueError("say where the token of the next page lies: next, a path in the body, or header")
        return self


class Single(Model):
    """One answer holds everything."""

    kind: Literal["single"]


class Auto(Model):
    """Found out by the first answer of a window: a Link header, a next URL, a token, or a number of pages."""

    kind: Literal["auto"]


class Python(Model):
    """A function of one's own tells, by an answer and the parameters it was asked with, those of the next page."""

    kind: Literal["python"]
    next: str = Field(pattern=ENTRY)
    """`module:function`, called with an answer and a dict; it returns another dict, or None behind the last page."""


Paginate = Annotated[
    PageNumber | Offset | NextLink | HeaderLink | Token | Single | Auto | Python, Field(discriminator="kind")
]
