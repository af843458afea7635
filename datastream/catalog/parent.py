"""A stream that is asked once for each row of another: its parent."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from datastream.catalog.model import NAME, Model

_FIELD = re.compile(r"\{([^{}\s\"](?:[^{}\"]*[^{}\s\"])?)\}")
"""A name in braces. JSON and GraphQL have others, with quotation marks within or white space at their edges."""


class Parent(Model):
    """Where the calls come from: `{field}` in path, params, headers and body stands for the value of a parent's row.

    A field is a column, or what lies within one as `a.b`.
    """

    stream: str = Field(pattern=NAME)
    ask: Literal["new", "all"] = "new"
    """For which of its rows: those committed since the last window, or all, each time. With a cursor it is all."""
    include: dict[str, str] = Field(default={})
    """What each record is told of its parent: its own new field, and the parent's it comes from."""


def fields_in(value: Any) -> Iterator[str]:
    """Yield the names in braces, as often as they stand in the text, or in any text of a mapping or list."""
    if isinstance(value, str):
        yield from _FIELD.findall(value)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from fields_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from fields_in(inner)


def filled(value: Any, row: Mapping[str, str | int]) -> Any:
    """Return `value` with each field in braces replaced by the row's value.

    A text that is nothing but one field becomes that value, so that a number stays a number in a body.
    """
    if isinstance(value, str):
        alone = _FIELD.fullmatch(value)
        return row[alone[1]] if alone else _FIELD.sub(lambda found: str(row[found[1]]), value)
    if isinstance(value, Mapping):
        return {name: filled(inner, row) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, row) for inner in value]
    return value
