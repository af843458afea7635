"""Turns the columns that a suite needs into the pandas frame that Great Expectations reads. Rows keep their
positions, the caller's data is left as it is, and no whole number is ever rounded on the way.
"""

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from datastream.quality.demand import Demand
from datastream.quality.errors import DataRefused

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_EXACT_IN_FLOAT = 2**53


def frame_of(data: "pa.Table | pd.DataFrame", demand: Demand) -> "pd.DataFrame":
    """Return the demanded columns with the index 0..n-1; where only their names are demanded, without rows. A frame
    keeps its own types; Arrow's are translated.
    """
    import pandas as pd
    import pyarrow as pa

    if not isinstance(data, pa.Table | pd.DataFrame):
        given = f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}".removeprefix("builtins.")
        raise DataRefused(f"The data is a {given}. Give a pyarrow.Table or a pandas.DataFrame.")
    names = _once(name for name in columns_of(data) if demand.wants(name))
    if not demand.rows:
        return pd.DataFrame(columns=names)
    if isinstance(data, pa.Table):
        columns = {name: _series(data.column(name), name, demand) for name in names}
        return pd.DataFrame(columns, index=pd.RangeIndex(data.num_rows), copy=False)
    picked = data[names].copy(deep=False)
    picked.index = pd.RangeIndex(len(data))
    return picked


def columns_of(data: "pa.Table | pd.DataFrame") -> list[Any]:
    """Return the names of the columns."""
    return list(data.column_names if hasattr(data, "column_names") else data.columns)


def _once(names: Iterable[Any]) -> list[Any]:
    counted = Counter(names)
    for name, times in counted.items():
        if times > 1:
            raise DataRefused(f"Column {name!r} occurs {times} times in the data. Rename or drop all but one of them.")
    return list(counted)


def _series(column: "pa.ChunkedArray", name: str, demand: Demand) -> "pd.Series[Any]":
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_integer(column.type) and column.null_count:
        if name in demand.stepped and column.type != pa.uint64():
            column = column.cast(pa.int64())
        whole = demand.compares(name) or (name in demand.stepped and column.type == pa.uint64())
        return _integers(column, written=name in demand.written, compared=whole)
    if pa.types.is_timestamp(column.type) and column.type.tz is None:
        column = _nanoseconds(column)
    series: pd.Series[Any] = column.to_pandas()
    return series


def _integers(column: "pa.ChunkedArray", *, written: bool, compared: bool) -> "pd.Series[Any]":
    """Keep nulls beside whole numbers: as NaN among floats where no number changes, else unrounded."""
    import pandas as pd

    series: pd.Series[Any]
    if not written and _exact_in_float(column):
        series = column.to_pandas()
    elif compared:
        series = column.to_pandas(integer_object_nulls=True)
        series[series.isna()] = float("nan")
    else:
        dtype = pd.api.types.pandas_dtype(str(column.type).replace("uint", "UInt").replace("int", "Int"))
        series = column.to_pandas(types_mapper=lambda _: dtype)
    return series


def _exact_in_float(column: "pa.ChunkedArray") -> bool:
    import pyarrow.compute as pc

    ends = pc.min_max(column).as_py()
    return ends["min"] is None or max(abs(ends["min"]), abs(ends["max"])) < _EXACT_IN_FLOAT


def _nanoseconds(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    """Take naive times to nanoseconds, the one unit that Great Expectations does not compare value by value."""
    import pyarrow as pa

    try:
        return column.cast(pa.timestamp("ns"))
    except pa.ArrowInvalid:
        return column  # before 1677 or after 2262
