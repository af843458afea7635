"""Pages that are counted: by their number, or by the row they begin with.

When the total or the count shrinks within a window, rows have moved to pages already read: the window is read again
from its first page, and what was loaded comes again as duplicates. Where only the number of pages is known, a row that
is deleted or moved within one goes unnoticed: `count` is worth naming.
"""

from collections.abc import Mapping

from datastream.catalog import Offset, PageNumber
from datastream.sources.answer import Answer, AnswerUnexpected
from datastream.sources.paginators.contract import there_are_more
from datastream.sources.request import Request
from datastream.sources.window import Position, Window

_MOST_RESTARTS = 3
_MOST_DIGITS = 19


class _Totals:
    """The totals that answers name, and whether they fall."""

    def __init__(self, paths: Mapping[str, str | None]) -> None:
        self._paths = {name: path for name, path in paths.items() if path is not None}
        self._restarts = 0

    def seen(self, answer: Answer) -> dict[str, int]:
        return {name: _number(answer, path) for name, path in self._paths.items()}

    def shrunk(self, position: Position, seen: Mapping[str, int]) -> bool:
        return any(number < position.get(name, number) for name, number in seen.items())

    def restart(self, answer: Answer) -> None:
        self._restarts += 1
        if self._restarts > _MOST_RESTARTS:
            raise AnswerUnexpected(
                f"{answer.url} gives a smaller total for the {self._restarts}th time in one run, so the window cannot "
                "be read to its end. What was committed stands; run again when the source is quieter."
            )


class PageNumbers:
    """Pages counted by a parameter: to the total the API names, else to the first empty page."""

    def __init__(self, spec: PageNumber, window: Window, base_url: str) -> None:
        self._spec, self._window, self._base_url = spec, window, base_url
        self._totals = _Totals({"total": spec.total, "count": spec.count})

    def first(self) -> Position:
        return {"page": self._spec.first}

    def request(self, position: Position) -> Request:
        return self._window.with_(self._spec.place, self._spec.param, position["page"]).at(self._base_url)

    def after(self, position: Position, answer: Answer, rows: int) -> Position | None:
        if self._spec.total is None:
            going = there_are_more(answer, self._spec.more) if self._spec.more is not None else rows
            return {"page": position["page"] + 1} if going else None
        seen = self._totals.seen(answer)
        if self._totals.shrunk(position, seen):
            self._totals.restart(answer)
            return {**seen, **self.first()}
        self._agree(position["page"], seen["total"], rows, answer)
        if position["page"] >= self._last(seen["total"]):
            return None
        return {**position, **seen, "page": position["page"] + 1}

    def ahead(self, position: Position) -> Position | None:
        total = position.get("total")
        if total is None or position["page"] >= self._last(total):
            return None
        return {**position, "page": position["page"] + 1}

    def stale(self, position: Position, answer: Answer) -> bool:
        return self._totals.shrunk(position, self._totals.seen(answer))

    def _last(self, total: int) -> int:
        return total + self._spec.first - 1

    def _agree(self, page: int, total: int, rows: int, answer: Answer) -> None:
        """Refuse an answer that contradicts itself: believing it would skip rows."""
        if (rows and page > self._last(total)) or (not rows and page < self._last(total)):
            raise AnswerUnexpected(
                f"{answer.url} holds {rows:,} rows as page {page} of {total:,}, which cannot be. The cursor has not "
                "moved; run again, and if it stays so, correct source.paginate.total in the stream."
            )


class Offsets:
    """Pages that begin at a row: each as many rows further as came, to the count the API names or an empty page.

    A server that answers fewer rows than it was asked for skips nothing by that.
    """

    def __init__(self, spec: Offset, window: Window, base_url: str) -> None:
        self._spec, self._window, self._base_url = spec, window, base_url
        self._totals = _Totals({"count": spec.count})

    def first(self) -> Position:
        return {"offset": self._spec.first}

    def request(self, position: Position) -> Request:
        spec = self._spec
        limited = self._window.with_(spec.place, spec.limit_param, spec.limit)
        return limited.with_(spec.place, spec.param, position["offset"]).at(self._base_url)

    def after(self, position: Position, answer: Answer, rows: int) -> Position | None:
        seen = self._totals.seen(answer)
        if self._totals.shrunk(position, seen):
            self._totals.restart(answer)
            return {**seen, **self.first()}
        following = position["offset"] + rows
        if not self._goes_on(following, seen.get("count"), rows, answer):
            return None
        return {**position, **seen, "offset": following, "step": rows}

    def _goes_on(self, following: int, count: int | None, rows: int, answer: Answer) -> bool:
        told = count is not None or self._spec.more is not None
        if count is not None:
            going = following < self._spec.first + count
        else:
            going = there_are_more(answer, self._spec.more) if self._spec.more is not None else bool(rows)
        if told and going and not rows:
            of = "and more to come" if count is None else f"of {count:,}"
            raise AnswerUnexpected(
                f"{answer.url} holds no rows from row {following:,} {of}, which cannot be. The cursor has not moved; "
                "run again, and if it stays so, correct count or more under source.paginate in the stream."
            )
        return going and bool(rows)

    def ahead(self, position: Position) -> Position | None:
        # By what it gave last and not by what it is asked for: many give fewer, and pages would be fetched in vain.
        following = position["offset"] + position.get("step", self._spec.limit)
        if following >= self._spec.first + position.get("count", 0):
            return None
        return {**position, "offset": following}

    def stale(self, position: Position, answer: Answer) -> bool:
        return self._totals.shrunk(position, self._totals.seen(answer))


def _number(answer: Answer, path: str) -> int:
    number = answer.value(path)
    if isinstance(number, str) and number.isascii() and number.isdigit() and len(number) < _MOST_DIGITS:
        number = int(number)
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise AnswerUnexpected(
            f"{answer.url} gives {number!r} at {path!r}, where the stream expects a number of pages or rows. "
            "Correct source.paginate in the stream, or leave total and count out."
        )
    return number
