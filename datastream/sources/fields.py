"""Reads a field of each row of a table: a column, or what lies within one that is nested, as `a.b`."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import pyarrow as pa

_decode = msgspec.json.Decoder().decode


def column_of(columns: list[str], field: str) -> str | None:
    """Return the column in which a field lies; None if there is none. A column's own name may have dots."""
    return next((head for head in heads_of([field]) if head in columns), None)


def heads_of(fields: Iterable[str]) -> Iterator[str]:
    """Yield the names of all columns in which fields may lie, the longest of each first."""
    for field in fields:
        steps = field.split(".")
        yield from (".".join(steps[:count]) for count in range(len(steps), 0, -1))


def values_at(table: pa.Table, field: str) -> list[Any]:
    """Return the values of a field, None where a row has none. What is nested is a struct, or JSON text."""
    column = column_of(table.column_names, field)
    if column is None:
        return [None] * table.num_rows
    values: list[Any] = table[column].to_pylist()
    steps = field[len(column) + 1 :].split(".") if field != column else []
    return [_within(value, steps) for value in values] if steps else values


def value_at(record: Mapping[str, Any], field: str) -> Any:
    """Return the value of a field of one record, None where it has none."""
    name = column_of([*record], field)
    if name is None:
        return None
    return record[name] if name == field else _within(record[name], field[len(name) + 1 :].split("."))


def _within(value: Any, steps: list[str]) -> Any:
    if isinstance(value, str):
        try:
            value = _decode(value)
        except (msgspec.DecodeError, RecursionError):
            return None
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value
