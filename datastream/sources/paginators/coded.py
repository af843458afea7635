"""Pages that follow each other as a function of one's own says."""

import msgspec

from datastream.catalog import Python
from datastream.sources.answer import Answer
from datastream.sources.hooks import HookFailed, called, function_of
from datastream.sources.paginators.contract import OneByOne
from datastream.sources.paginators.linked import Visited
from datastream.sources.request import Request
from datastream.sources.window import Position, Window


class Coded(OneByOne):
    """Pages whose parameters a function returns: those of the query, or of the body of a POST."""

    def __init__(self, spec: Python, window: Window, base_url: str) -> None:
        self._spec, self._window, self._base_url = spec, window, base_url
        self._function = function_of(spec.next, "paginate.next")
        self._visited = Visited()

    def first(self) -> Position:
        return {"params": {}}

    def request(self, position: Position) -> Request:
        window = self._window
        for name, value in position["params"].items():
            window = window.with_("query" if window.method == "GET" else "body", name, value)
        return window.at(self._base_url)

    def after(self, position: Position, answer: Answer, rows: int) -> Position | None:  # noqa: ARG002 - the contract's
        params = called(self._spec.next, self._function, answer, dict(position["params"]))
        if params is None:
            return None
        plain = isinstance(params, dict) and all(isinstance(name, str) for name in params)
        if not plain or any(not isinstance(value, str | int | float) for value in params.values()):
            raise HookFailed(
                f"The hook {self._spec.next!r} returned {params!r} as what asks for the next page, at {answer.url}. It "
                "returns a dict of texts and numbers, or None behind the last page. The cursor has not moved."
            )
        self._visited.go_on(answer, _told(position["params"]), _told(params))
        return {"params": params}


def _told(params: Position) -> str:
    return msgspec.json.encode(params, order="sorted").decode()
