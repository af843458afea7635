"""Sketches a stream from one answer of an API: where its records lie, how pages follow, what tells records apart.

It guesses, and says so: whoever takes the sketch looks at it, and tries it, before it runs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from datastream.errors import Permanent
from datastream.sources.answer import Answer
from datastream.sources.paginators import detect

_DEEPEST = 4
_KEYS = ("id", "uuid", "guid", "key", "code")
"""What keys are called. Nothing else is guessed: a field that differs in one answer, such as `user_id`, may not in the
next, and by a wrong key rows would be taken for duplicates."""
_TIMES = ("updated_at", "modified_at", "updated", "modified", "created_at", "timestamp", "time", "date")


class NoRecords(Permanent):
    """An answer holds no list of records."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """What an answer shows of a stream."""

    records: str
    paginate: Mapping[str, Any]
    keys: Sequence[str]
    """Fields that are called like keys, and have a value in each record, and another in each: the likeliest first."""
    unique: Sequence[str]
    """All others that have another value in each record of this one answer."""
    times: Sequence[str]
    """Fields whose values read as times: the likeliest first."""
    rows: int


def sketch(answer: Answer, records: str | None = None) -> Sketch:
    """Return what an answer shows. Its records lie at `records`, else it is the longest list of objects.

    Raises NoRecords.
    """
    path, rows = _found(answer) if records is None else (records, _objects(answer.value_or_none(records)))
    if not rows:
        raise NoRecords(
            f"{answer.url} answered without a list of records{f' at {records!r}' if records else ''}: "
            f"{answer.excerpt()!r}. Say where they lie with --records, or correct the address."
        )
    found = {name: value for name, value in detect(answer).model_dump().items() if value is not None}
    names = list(dict.fromkeys(name for row in rows for name in row))
    unique = [name for name in names if _tells_apart(rows, name)]
    times = [name for name in names if all(_is_time(row.get(name)) for row in rows)]
    keys = sorted((name for name in unique if name.lower() in _KEYS), key=_by(_KEYS))
    others = [name for name in unique if name not in keys]
    return Sketch(path, found, keys, others, sorted(times, key=_by(_TIMES)), len(rows))


def _found(answer: Answer) -> tuple[str, list[dict[str, Any]]]:
    lists = list(_lists(answer.value_or_none(""), "", 0))
    return max(lists, key=lambda each: len(each[1]), default=("", []))


def _lists(value: Any, path: str, depth: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    if rows := _objects(value):
        yield path, rows
    elif isinstance(value, dict) and depth < _DEEPEST:
        for name, inner in value.items():
            yield from _lists(inner, f"{path}.{name}" if path else name, depth + 1)


def _objects(value: Any) -> list[dict[str, Any]]:
    return value if isinstance(value, list) and value and all(isinstance(each, dict) for each in value) else []


def _tells_apart(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    values = [row.get(name) for row in rows]
    plain = all(isinstance(value, str | int) and not isinstance(value, bool) and value != "" for value in values)
    return plain and len(set(values)) == len(values)


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and len(value) > len("2026-01-01") and bool(msgspec.convert(value, datetime))
    except msgspec.ValidationError:
        return False


def _by(usual: Sequence[str]) -> Callable[[str], int]:
    """Return an order of names: those that are usual first, and the others as they come."""
    return lambda name: usual.index(name.lower()) if name.lower() in usual else len(usual)
