"""The columns of a table as the rules look at them: values by kind, and which of them are null.

Great Expectations counts NaN as null, and knows a type by the name that pandas gives it.
"""

from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from datastream.quality import DataRefused

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["text", "number", "time", "flag", "other"]
_QUARTERS = 4
_EXACT_IN_FLOAT = 2**53
_NUMBERS = ("int", "float", "Int64Dtype")
"""Whole numbers beside nulls are floats to pandas, so one name alone would not do for either."""


@dataclass(frozen=True)
class Column:
    """One column. Of the kind `other` no value is looked at; it is known which are null, and of what type they are."""

    name: str
    values: pa.ChunkedArray
    kind: Kind
    types: tuple[str, ...]
    """What Great Expectations calls the type, or nothing where it has no name for it."""
    hidden: bool = False
    """Whether no rule and no evidence may show a value of it."""

    @property
    def rows(self) -> int:
        """All rows, those without a value too."""
        return len(self.values)

    @cached_property
    def present(self) -> pa.ChunkedArray:
        """The values that are not null, in their order."""
        return self.values.drop_null()

    @cached_property
    def quarters(self) -> tuple[pa.ChunkedArray, ...]:
        """The values in four runs, by which it is seen whether they change along the rows."""
        ends = [len(self.present) * part // _QUARTERS for part in range(_QUARTERS + 1)]
        return tuple(self.present.slice(start, end - start) for start, end in pairwise(ends))

    @cached_property
    def distinct(self) -> int:
        """How many different values there are."""
        return int(pc.count_distinct(self.present).as_py())

    @cached_property
    def lengths(self) -> tuple[int, int]:
        """The least and the greatest length of a text, in characters."""
        ends = pc.min_max(pc.utf8_length(self.present)).as_py()
        return ends["min"] or 0, ends["max"] or 0

    @cached_property
    def whole(self) -> bool:
        """Tell whether the values are whole numbers."""
        return bool(pa.types.is_integer(self.values.type))

    @cached_property
    def unique(self) -> bool:
        """Tell whether no value comes twice."""
        return self.distinct == len(self.present)


def columns_of(data: "pa.Table | pd.DataFrame", hidden: Container[str] = ()) -> Iterator[Column]:
    """Yield the columns of a table or a frame, in their order. Raises DataRefused for a name that occurs twice."""
    names = data.column_names if isinstance(data, pa.Table) else list(data.columns)
    for name, times in Counter(names).items():
        if times > 1:
            raise DataRefused(f"Column {name!r} occurs {times} times in the data. Rename or drop all but one of them.")
        if isinstance(data, pa.Table):
            yield _column(name, data.column(name), hidden)
        else:
            yield _of_series(name, data[name], hidden)


def _of_series(name: str, series: "pd.Series[Any]", hidden: Container[str]) -> Column:
    try:
        array = pa.chunked_array([pa.array(series, from_pandas=True)])
    except (pa.ArrowException, OverflowError):  # values of several types, or a whole number beyond 64 bits
        there = series.notna()
        types = sorted({type(value).__name__ for value in series[there]})
        array = pa.chunked_array([pa.array([value or None for value in there], pa.bool_())])
        return Column(name, array, "other", tuple(types), name in hidden)
    return _column(name, array, hidden)


def _column(name: str, values: pa.ChunkedArray, hidden: Container[str]) -> Column:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    types, kind = _types(values.type), _kind(values.type)
    if kind == "number":
        values, kind = _numbers(values)
    elif kind == "text":
        values = values.cast(pa.large_string())
    return Column(name, values, kind, types, name in hidden)


def _kind(of: pa.DataType) -> Kind:
    t = pa.types
    if t.is_string(of) or t.is_large_string(of) or t.is_string_view(of):
        return "text"
    if t.is_integer(of) or t.is_float32(of) or t.is_float64(of) or t.is_decimal(of):
        return "number"
    if t.is_boolean(of):
        return "flag"
    return "time" if t.is_timestamp(of) else "other"


def _numbers(values: pa.ChunkedArray) -> tuple[pa.ChunkedArray, Kind]:
    """Return whole numbers as such, however they are stored. Among infinite ones there is nothing to measure."""
    if pa.types.is_integer(values.type):
        return values, "number"
    numbers = values.cast(pa.float64())
    numbers = pc.if_else(pc.is_nan(numbers), None, numbers)
    if pc.any(pc.is_inf(numbers)).as_py():
        return numbers, "other"
    ends = pc.min_max(numbers).as_py()
    small = ends["min"] is not None and max(abs(ends["min"]), abs(ends["max"])) < _EXACT_IN_FLOAT
    if small and pc.all(pc.equal(pc.floor(numbers), numbers)).as_py():
        return numbers.cast(pa.int64()), "number"
    return numbers, "number"


def _types(of: pa.DataType) -> tuple[str, ...]:
    """Return the names of a type. With pandas 3 there is none for texts, for times with a zone, and for lists."""
    t = pa.types
    if t.is_integer(of) or t.is_float64(of):
        own = str(of).replace("double", "float64")
        nullable = own.replace("uint", "UInt").replace("int", "Int") + "Dtype"
        return _NUMBERS if own in ("int64", "float64") else (*_NUMBERS, own, nullable)
    if t.is_timestamp(of):
        return () if of.tz else ("datetime64[ns]", f"datetime64[{of.unit}]")
    named = [
        (t.is_float32, ("float32", "float")), (t.is_boolean, ("bool",)), (t.is_decimal, ("Decimal",)),
        (t.is_date, ("date",)), (t.is_time, ("time",)), (t.is_struct, ("dict",)), (t.is_binary, ("bytes",)),
        (t.is_large_binary, ("bytes",)), (t.is_duration, (f"timedelta64[{getattr(of, 'unit', 'ns')}]",)),
    ]  # fmt: skip
    return next((names for fits, names in named if fits(of)), ())
