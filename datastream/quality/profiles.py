"""What a sample shows of each column: how many nulls, how much variety.

`variety` is how many different values a hundred rows have on average: unlike a share of distinct values it is the same
of a small sample and of a large one, as long as rows with the same value do not come together.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import exp, lgamma

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

KEPT = 24
MOST_COLUMNS = 200
LEAST_ROWS = 50
_HUNDRED = 100
_NESTED = (pa.types.is_struct, pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list, pa.types.is_map)


class Profile(msgspec.Struct, array_like=True, frozen=True):
    """A column of one sample."""

    at: datetime
    rows: int
    nulls: float
    """The share of rows without a value; NaN is none."""
    variety: float | None
    """Different values in a hundred that there are, on average; None of fewer."""
    repeats: float
    """The share of values that stood there before. Only 0 means something, whatever the sample's size."""


def profiles(rows: pa.Table, at: datetime) -> dict[str, Profile]:
    """Return the profiles of a sample, of at most two hundred columns and none that is nested."""
    names = [field.name for field in rows.schema if not any(kind(field.type) for kind in _NESTED)]
    return {name: _profile(rows[name], at) for name in names[:MOST_COLUMNS]} if rows.num_rows else {}


def kept(before: Sequence[Profile], now: Profile, span: timedelta) -> list[Profile]:
    """Return the profiles to compare with from now on: those of a span, not more than there is room for."""
    if now.rows < LEAST_ROWS or (before and now.at - before[-1].at < span / KEPT):
        return list(before)
    return [*before, now][-KEPT:]


def _profile(column: pa.ChunkedArray, at: datetime) -> Profile:
    if pa.types.is_floating(column.type):  # who computes with pandas writes NaN for no value
        column = pc.if_else(pc.is_nan(column), None, column)
    rows, there = len(column), len(column) - column.null_count
    counts = _counts(column.drop_null())
    repeats = 1 - len(counts) / there if there else 0.0
    return Profile(at, rows, round(column.null_count / rows, 5), _variety(counts), round(repeats, 5))


def _counts(column: pa.ChunkedArray) -> np.ndarray:
    if not len(column):
        return np.array([], dtype=np.int64)
    found = pc.value_counts(column)
    return np.asarray(found.field("counts"))


def _variety(counts: np.ndarray) -> float | None:
    """Return how many different values a hundred rows that are drawn by chance have (rarefaction, Hurlbert 1971)."""
    rows = int(counts.sum())
    if rows < _HUNDRED:
        return None
    there, of = np.unique(counts, return_counts=True)
    never = [_drawn(rows - int(count)) - _drawn(rows) for count in there]
    missed = [exp(n) if rows - count >= _HUNDRED else 0.0 for n, count in zip(never, there, strict=True)]
    return round(float(sum(many * (1 - m) for many, m in zip(of, missed, strict=True))), 2)


def _drawn(rows: int) -> float:
    """Return the logarithm of the ways to draw a hundred of so many rows, but for what all such numbers share."""
    return lgamma(rows + 1) - lgamma(rows - _HUNDRED + 1) if rows >= _HUNDRED else 0.0
