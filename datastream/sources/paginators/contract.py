"""What a paginator is: which request a position means, and which position comes after an answer.

A position is JSON and is kept in each manifest, so that a run that died in the middle of a window goes on there. What a
paginator itself remembers is for one run.
"""

from typing import Protocol

from datastream.errors import Permanent
from datastream.sources.answer import Answer, AnswerUnexpected
from datastream.sources.request import Request
from datastream.sources.window import Position


class PagesWithoutEnd(Permanent):
    """An API names page after page and never the last."""


class Paginator(Protocol):
    """One style of pages."""

    def first(self) -> Position:
        """Return the position of a window's first page."""

    def request(self, position: Position) -> Request:
        """Return what asks for a page. Raises ApiRefused where its place cannot be asked any more."""

    def after(self, position: Position, answer: Answer, rows: int) -> Position | None:
        """Return the position of the page after this one; None after the last. Raises PagesWithoutEnd."""

    def ahead(self, position: Position) -> Position | None:
        """Return the position after this one where it can be known without the answer, so as to fetch it early."""

    def stale(self, position: Position, answer: Answer) -> bool:
        """Tell whether an answer seems older than the one before it, as one fetched ahead may be."""


def there_are_more(answer: Answer, path: str) -> bool:
    """Return what an answer says at `path`: a bool, or its word in text; a number but 0, and any other value, say yes.

    Raises AnswerUnexpected where nothing stands: a slip in the path would end the pages at the first.
    """
    said = answer.value(path)
    if said is None and not answer.has(path):
        raise AnswerUnexpected(
            f"{answer.url} does not say at {path!r} whether there are more pages. Correct source.paginate.more in the "
            "stream, or leave it out. The cursor has not moved."
        )
    return said.strip().lower() not in ("", "false", "0", "no") if isinstance(said, str) else bool(said)


class OneByOne:
    """What paginators have in common that learn of the next page by the one before."""

    def ahead(self, position: Position) -> Position | None:  # noqa: ARG002 - the contract's
        return None

    def stale(self, position: Position, answer: Answer) -> bool:  # noqa: ARG002 - the contract's
        return False
