"""Whether a column may be null, and how often: what was seen, with the margin that chance and clusters need."""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from datastream.suggest.columns import Column
from datastream.suggest.proposal import Proposal

_LEAST_ROWS = 10
_PARTS = 10
_SIGMAS = 3.0
_MOST_NULL = 0.5
"""A column that is null more often is not asked for values."""


def nulls(column: Column, *, identifies: bool) -> Iterator[Proposal]:
    """Yield that a column is not null, or not more often than it was; critical where it identifies a row."""
    null = column.rows - len(column.present)
    kwargs: dict[str, Any] = {"column": column.name}
    evidence = f"{null:,} of {column.rows:,} rows {'is' if null == 1 else 'are'} null"
    if not null and (identifies or column.rows >= _LEAST_ROWS):
        yield Proposal("expect_column_values_to_not_be_null", kwargs, "critical" if identifies else "warning", evidence)
    elif null and column.rows >= _LEAST_ROWS:
        worst, rows = _worst_part(column)
        tolerated = _most(worst, rows)
        if tolerated <= _MOST_NULL:
            kwargs["mostly"] = math.floor(1000 * (1 - tolerated)) / 1000
            evidence += f" ({null / column.rows:.2%}), {worst / rows:.2%} in the worst tenth"
            yield Proposal("expect_column_values_to_not_be_null", kwargs, "warning", evidence)


def _worst_part(column: Column) -> tuple[int, int]:
    """Return the nulls and the rows of that tenth which has the most: nulls come in clusters, and so do claims."""
    ends = [column.rows * part // _PARTS for part in range(_PARTS + 1)]
    return max((column.values.slice(at, end - at).null_count, end - at) for at, end in pairwise(ends))


def _most(seen: int, rows: int) -> float:
    """Return the greatest share that would still show `seen` of so many rows now and then (Wilson, 1927, 3 sigma)."""
    share, squared = seen / rows, _SIGMAS * _SIGMAS
    middle = share + squared / (2 * rows)
    width = _SIGMAS * math.sqrt(share * (1 - share) / rows + squared / (4 * rows * rows))
    return (middle + width) / (1 + squared / rows)
