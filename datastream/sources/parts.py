"""What a window is made of: spans of its time, or a call for each row of a parent stream; any other is one part.

Parts stand in an order that is the same each time they are asked for, and none depends on another.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from urllib.parse import quote

import msgspec

from datastream.catalog import fields_in, filled
from datastream.catalog.moments import rounded_down
from datastream.errors import Permanent
from datastream.sources.window import Asked, Window, to_wire

Name = int | list[str | int] | None
"""How a position names a part: a span by its number, a parent's row by its values, and what is no part by None."""

Row = Mapping[str, str | int]
_HEADER = re.compile(r"[\t -~\x80-\xff]*")


class ParentUnfit(Permanent):
    """The rows of a parent stream do not have what its children are asked by."""


class Part(NamedTuple):
    """One part of a window: a window of its own."""

    name: Name
    window: Window
    fields: Mapping[str, str | int] = {}
    """What each of its records is told of the parent."""
    unaskable: str | None = None
    """Why it cannot be asked."""


class Parents(Protocol):
    """The rows of parent streams, as they lie on the lake."""

    def reached(self, stream: str) -> dict[str, int]:
        """Return how far the stream's lanes have come: the number of each one's newest commit."""

    def rows(self, asked: Asked, fields: Sequence[str]) -> Iterable[tuple[list[str | int], bool]]:
        """Yield the values of `fields` of each row asked for, and whether it is new: each once, `in_order`.

        Rows that lack one of them are left out. Raises ParentUnfit.
        """


class NoParents:
    """What streams without a parent have."""

    def reached(self, stream: str) -> dict[str, int]:  # noqa: ARG002 - the contract's
        return {}

    def rows(self, asked: Asked, fields: Sequence[str]) -> Iterable[tuple[list[str | int], bool]]:  # noqa: ARG002
        return ()


def in_order(values: Sequence[str | int]) -> list[tuple[bool, str | int]]:
    """Return what rows are sorted by: a nested field may hold numbers and texts, which do not compare."""
    return [(isinstance(value, str), value) for value in values]


def parts(window: Window, parents: Parents, begin: Name = None) -> Iterator[Part]:
    """Yield the parts of a window from the one called `begin`, or the next one where that is gone."""
    if window.parent is not None:
        yield from _calls(window, window.parent, parents, begin)
    elif window.step is not None:
        yield from _spans(window, window.step, begin if isinstance(begin, int) else 0)
    else:
        yield Part(None, window)


def _spans(window: Window, step: float, begin: int) -> Iterator[Part]:
    first, end = datetime.fromisoformat(str(window.since)), datetime.fromisoformat(str(window.until))
    if window.names is not None and window.names.format is not None:
        first = rounded_down(first, window.names.format)  # else both ends of each span would be rounded, and overlap
    number = begin
    while (since := first + number * timedelta(seconds=step)) < end or number == 0:
        until = min(since + timedelta(seconds=step), end)
        yield Part(number, window.between(to_wire(since), to_wire(until)))
        number += 1


def _calls(window: Window, asked: Asked, parents: Parents, begin: Name) -> Iterator[Part]:
    told = [window.path, window.params, window.headers, window.body]
    fields = sorted({*fields_in(told), *asked.include.values()})
    for values, new in parents.rows(asked, fields):
        if isinstance(begin, list) and in_order(values) < in_order(begin):
            continue
        yield _call(window, asked, dict(zip(fields, values, strict=True)), values, new=new)


def _call(window: Window, asked: Asked, row: Row, values: list[str | int], *, new: bool) -> Part:
    # A value is one step of the path, whatever is in it.
    path = filled(window.path, {name: quote(str(value), safe="") for name, value in row.items()})
    call: Window = msgspec.structs.replace(
        window, path=str(path), params=filled(window.params, row), headers=_texts(filled(window.headers, row)),
        body=filled(window.body, row), parent=None,
    )  # fmt: skip
    if new and asked.initial is not None:
        call = call.between(asked.initial, window.until)
    return Part(values, call, {name: row[field] for name, field in asked.include.items()}, _unaskable(window, row))


def _texts(headers: Mapping[str, str | int]) -> dict[str, str]:
    return {name: str(value) for name, value in headers.items()}


def _unaskable(window: Window, row: Row) -> str | None:
    """Return why a row's values cannot be asked for: in the path they are an empty step, or one that leads to another
    place; in a header, what none can hold (RFC 9110, section 5.5).
    """
    steps = (filled(step, row) for step in window.path.split("/") if [*fields_in(step)])
    if any(str(step) in ("", ".", "..") for step in steps):
        return f"the parent's values {dict(row)!r} make no address of {window.path!r}"
    for name, text in window.headers.items():
        if [*fields_in(text)] and not _HEADER.fullmatch(str(filled(text, row))):
            return f"the parent's values {dict(row)!r} cannot stand in the header {name}"
    return None
