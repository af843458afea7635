"""Holds a claim's table against the columns that are committed, so that all files of a stream open as one dataset.

A column keeps its type. One that comes as another is brought back to it, or the column becomes wider, where no value
changes by that, also none in the files that are there and stay as they are. Else nothing is committed.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from datastream.catalog import Stream
from datastream.catalog.types import SMALL, parse_type, text_of
from datastream.errors import Permanent
from datastream.records import RECORD_ID

Columns = dict[str, str]
"""Name to type, as the log keeps them: Arrow's text, or `int53` for an int64 that may still become a double."""

_EXACT = 2**53
_SMALL_BITS = 32
_DIGITS = 38


class ColumnChanged(Permanent):
    """A column is of another type than in what is committed, and no type has room for both."""


def hold(table: pa.Table, before: Mapping[str, str], stream: Stream) -> tuple[pa.Table, Columns]:
    """Return the table in the types of the stream's files, and the columns there are then. Raises ColumnChanged."""
    columns = dict(before)
    for at, field in enumerate(table.schema):
        if field.name == RECORD_ID:
            continue
        column = table.column(at)
        if pa.types.is_dictionary(field.type):
            column = column.cast(field.type.value_type)
        if field.name in columns:
            column, columns[field.name] = _held(field.name, column, columns[field.name], stream)
        elif not pa.types.is_null(column.type):
            columns[field.name] = _described(field.name, column, stream)
        table = table.set_column(at, pa.field(field.name, column.type), column)
    return table, columns


def as_type(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | None:
    """Return the column as another type, each value as it was; None if one would change, or mean something else."""
    if column.type == kind:
        return column
    if not _may_become(column.type, kind):
        return None
    try:
        return column.cast(kind)  # it refuses what overflows, and fractions and digits that would be cut off
    except pa.ArrowException:
        return None


def _held(name: str, column: pa.ChunkedArray, stored: str, stream: Stream) -> tuple[pa.ChunkedArray, str]:
    kind = parse_type(stored)
    found = as_type(column, kind)
    if found is None and stream.schema_spec.types == "evolve":
        stored = _wider(stored, column.type) or stored
        kind = parse_type(stored)
        found = as_type(column, kind)
    if found is None:
        raise ColumnChanged(
            f"The column {name!r} of {stream.name} is {stored.replace(SMALL, 'int64')} in what is committed, and is "
            f"{text_of(column.type)} now, with values that have no place there. Nothing was committed. Put it "
            "back, cast it in the stream's transform, or give the column or the stream another name."
        )
    return found, "int64" if stored == SMALL and not _is_small(found) else stored


def _described(name: str, column: pa.ChunkedArray, stream: Stream) -> str:
    """Return a new column's type as text."""
    text = text_of(column.type)
    try:
        known = parse_type(text) == column.type or _may_become(column.type, parse_type(text))
    except Permanent:
        known = False
    if not known:
        raise ColumnChanged(
            f"The new column {name!r} of {stream.name} is {text}, which the log cannot keep. Nothing was committed. "
            "Cast it in the stream's transform."
        )
    return SMALL if column.type == pa.int64() and _is_small(column) else text


def _is_small(column: pa.ChunkedArray) -> bool:
    ends = pc.min_max(column).as_py()
    return ends["min"] is None or max(-ends["min"], ends["max"]) <= _EXACT


def _may_become(old: pa.DataType, new: pa.DataType) -> bool:
    """Tell whether values of one type can mean the same as another; each value is then looked at."""
    if old == new or pa.types.is_null(old):
        return True
    for nested in (pa.types.is_struct, pa.types.is_map, _is_list):
        if nested(old) or nested(new):
            return nested(old) and nested(new) and _parts_may_become(old, new)
    if pa.types.is_timestamp(old) and pa.types.is_timestamp(new):
        return bool((old.tz is None) == (new.tz is None))  # a time without a zone is no moment
    if pa.types.is_integer(old):
        return bool(pa.types.is_integer(new) or pa.types.is_decimal(new) or new == pa.float64())
    if pa.types.is_floating(old):
        wide_enough = pa.types.is_floating(new) and new.bit_width >= old.bit_width
        return bool(pa.types.is_integer(new) or wide_enough)
    same = (pa.types.is_decimal, _is_text, _is_bytes, pa.types.is_date, pa.types.is_time, pa.types.is_duration)
    return any(kind(old) and kind(new) for kind in same)


def _parts_may_become(old: pa.DataType, new: pa.DataType) -> bool:
    if pa.types.is_struct(old):
        names = [field.name for field in old]
        return names == [field.name for field in new] and all(map(_may_become, _types(old), _types(new)))
    if pa.types.is_map(old):
        return _may_become(old.key_type, new.key_type) and _may_become(old.item_type, new.item_type)
    return _may_become(old.value_type, new.value_type)


def _types(kind: pa.StructType) -> list[pa.DataType]:
    return [field.type for field in kind]


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def _wider(stored: str, new: pa.DataType) -> str | None:
    """Return the type that has room for a column's files and for `new`, if readers read it without changing a value."""
    old = parse_type(stored)
    if pa.types.is_integer(old):
        return _wider_number(stored, old, new)
    if old in (pa.float32(), pa.float16()) and pa.types.is_floating(new):
        return "double"
    if pa.types.is_decimal(old) and pa.types.is_decimal(new):  # Polars reads another precision, but no other scale
        digits = old.scale + max(old.precision - old.scale, new.precision - new.scale)
        return text_of(pa.decimal128(digits, old.scale)) if digits <= _DIGITS else None
    if pa.types.is_timestamp(old) and old.unit == "ms":
        return text_of(pa.timestamp("us", old.tz))
    return None


def _wider_number(stored: str, old: pa.DataType, new: pa.DataType) -> str | None:
    small = stored == SMALL or old.bit_width <= _SMALL_BITS
    if pa.types.is_floating(new):
        return "double" if small else None
    if pa.types.is_integer(new) and old != pa.uint64():
        return SMALL if small else "int64"
    return None
