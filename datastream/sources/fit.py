"""Turns a decoded JSON value into what its column stores: the same value, or the reason why it has no place there.

A time is ISO 8601 text of the years 1000 to 9999; one without a zone is taken for UTC, and of another zone the moment
is kept. A decimal may also be written as text, which is how many an API sends one; it knows no -0.
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from datastream.catalog.types import parse_type
from datastream.sources.decode import Odd, Twice

EXACT = 2**53
"""A double holds every whole number up to here."""
_INT64 = 2**63
_LARGEST_BITS = 1024
_YEARS = 10_000
_DATE = r"[1-9]\d{3}-\d\d-\d\d"
_TIME = _DATE + r"[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?"
_ZONE = r"(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
_is_time = re.compile(_TIME + _ZONE + "?").fullmatch
_is_date = re.compile(_DATE).fullmatch
_is_number = re.compile(r"-?\d{1,400}(?:\.\d{1,400})?(?:[eE][+-]?\d{1,3})?").fullmatch

Fit = Callable[[Any], Any]


@cache
def fit_for(kind: str) -> Fit:
    """Return the function that turns a value, which is not null, into a stored one. It raises Odd with the reason."""
    return _fit(parse_type(kind))


def is_whole(value: Any) -> bool:
    """Tell whether a number has a place among whole numbers; -0.0 has none, because it would lose its sign."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return False
    if isinstance(value, int):
        return True
    number = Decimal(repr(value)) if isinstance(value, float) else value
    return number.is_finite() and number.adjusted() <= 18 and number == int(number) and not _is_minus_zero(value)  # noqa: PLR2004


def _is_minus_zero(value: float | Decimal) -> bool:
    return not value and math.copysign(1, value) < 0


def _whole(value: Any) -> int:
    if type(value) is int and -_INT64 <= value < _INT64:
        return value
    if not is_whole(value):
        raise Odd("not int64")
    number = int(Decimal(repr(value))) if isinstance(value, float) else int(value)
    if not -_INT64 <= number < _INT64:
        raise Odd("not int64")
    return number


def _double(value: Any) -> float:
    if isinstance(value, float):
        return value
    if isinstance(value, Decimal):
        raise Odd("not double: it has more digits than a double keeps")
    if isinstance(value, int) and not isinstance(value, bool) and _is_kept(value):
        return float(value)
    raise Odd("not double")


def _is_kept(value: int) -> bool:
    return abs(value) <= EXACT or (value.bit_length() < _LARGEST_BITS and Decimal(repr(float(value))) == value)


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise Odd("not bool")


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise Odd("not string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Odd("not string: it holds half a surrogate pair") from None
    return value


def _date(value: Any) -> date:
    try:
        if isinstance(value, str) and _is_date(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise Odd("not date")


def _timestamp(value: Any) -> datetime:
    try:
        if isinstance(value, str) and _is_time(value):
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Odd("not timestamp")


def _decimal(kind: pa.Decimal128Type) -> Fit:
    name, scale, top = f"not decimal({kind.precision},{kind.scale})", kind.scale, kind.precision - kind.scale

    def fit(value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
            raise Odd(name)
        if isinstance(value, str) and not _is_number(value):
            raise Odd(name)
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        if not number.is_finite() or (number and (number.adjusted() >= top or _places(number) > scale)):
            raise Odd(name)
        return number

    return fit


def _places(number: Decimal) -> int:
    """Return how many digits behind the point a number needs."""
    _, digits, exponent = number.as_tuple()
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return -(int(exponent) + zeros)


def _list(kind: pa.ListType) -> Fit:
    item = _fit(kind.value_type)

    def fit(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise Odd("not a list")
        try:
            return [None if one is None else item(one) for one in value]
        except Odd as odd:
            raise Odd(f"a list with what is {odd}") from None

    return fit


def _struct(kind: pa.StructType) -> Fit:
    inside = {field.name: _fit(field.type) for field in kind}

    def fit(value: Any) -> dict[str, Any]:
        if isinstance(value, Twice) or not isinstance(value, dict):
            raise Odd("not a struct: a key stands twice in it" if isinstance(value, Twice) else "not a struct")
        if value.keys() - inside.keys():
            raise Odd("a struct of other fields")
        return {name: None if one is None else _field(name, one) for name, one in value.items()}

    def _field(name: str, value: Any) -> Any:
        try:
            return inside[name](value)
        except Odd as odd:
            raise Odd(f"a struct whose {name} is {odd}") from None

    return fit


_PLAIN: dict[pa.DataType, Fit] = {
    pa.int64(): _whole, pa.float64(): _double, pa.bool_(): _bool, pa.string(): _string, pa.date32(): _date,
    pa.timestamp("us", "UTC"): _timestamp,
}  # fmt: skip


def _fit(kind: pa.DataType) -> Fit:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if pa.types.is_decimal(kind):
        return _decimal(kind)
    return _struct(kind) if pa.types.is_struct(kind) else _list(kind)


def times(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | None:
    """Return texts as dates or times, all at once; None if one of them is none, or has to be looked at by itself."""
    pattern = _DATE if pa.types.is_date(kind) else _TIME + (_ZONE if _has_zone(column) else "")
    if not pc.all(pc.match_substring_regex(column, f"^(?:{pattern})$")).as_py() and column.null_count < len(column):
        return None
    try:
        found = column.cast(kind if pa.types.is_date(kind) or _has_zone(column) else pa.timestamp("us")).cast(kind)
    except pa.ArrowInvalid:
        return None
    last = pc.max(pc.year(found)).as_py()  # another zone may take a moment out of the years that Python knows
    return None if last is not None and last >= _YEARS else found


def _has_zone(column: pa.ChunkedArray) -> bool:
    first = pc.drop_null(column)[0].as_py() if column.null_count < len(column) else ""
    return first.endswith("Z") or first[-6:-5] in ("+", "-")
