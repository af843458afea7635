"""How far numbers and times may go: to where nature ends, or as far beyond what was seen as the rows themselves vary.

The extremes of a sample are no bounds: the next rows exceed them. So half of the way from the median is added on either
side, and more where the extremes of the sample's four quarters lie further apart.
"""

import math
from dataclasses import dataclass
from datetime import MAXYEAR, datetime, timedelta
from itertools import pairwise
from typing import Any

import pyarrow.compute as pc

from datastream.suggest.columns import Column

_NATURE = {
    "month": (1, 12), "day": (1, 31), "hour": (0, 24), "minute": (0, 59), "second": (0, 60), "year": (1900, 2100),
    "weekday": (0, 7), "lat": (-90, 90), "latitude": (-90, 90), "lon": (-180, 180), "lng": (-180, 180),
    "long": (-180, 180), "longitude": (-180, 180), "percent": (0, 100), "percentage": (0, 100), "probability": (0, 1),
    "share": (0, 1), "fraction": (0, 1),
}  # fmt: skip
"""What a column called exactly so cannot leave."""
_LEAST_ROWS = 30
_MARGIN, _LEAST_MARGIN = 0.5, 0.1
"""Of the way from the median to the extreme, and at the least of the whole span."""
_USUAL = 0.999
_LEAST_WITH_COMMAS = 10_000
_LEAST_SPAN, _GREATEST_SPAN = 1e-300, 1e300
"""One value says nothing of how it varies; and beyond these a bound is no finite number."""
_YEARS = 10
"""So many years beyond the newest are still taken for a time; what lies further is a slip, or a sentinel."""


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds, one of which may be open, and what was seen."""

    least: Any
    greatest: Any
    evidence: str


def range_of(column: Column) -> Range | None:
    """Return how far the values of a column may go; None where too few were seen, or neither end is known."""
    if len(column.present) < _LEAST_ROWS:
        return None
    found = _of_times(column) if column.kind == "time" else _of_numbers(column)
    return None if found.least is None and found.greatest is None else found


def natural(column: Column) -> tuple[float, float] | None:
    """Return the bounds that a column of this name has by nature, unless its values are not within them."""
    bounds = _NATURE.get(str(column.name).lower())
    if bounds is None or not len(column.present) or column.kind != "number":
        return None
    least, greatest = _ends(column.present)
    return bounds if bounds[0] <= least and greatest <= bounds[1] else None


def _of_numbers(column: Column) -> Range:
    least, greatest = _ends(column.present)
    evidence = f"{len(column.present):,} values from {_shown(least)} to {_shown(greatest)}"
    if bounds := natural(column):
        return Range(*bounds, evidence)
    if not _LEAST_SPAN < greatest - least < _GREATEST_SPAN:
        return Range(None, None, evidence)
    quarters = [_ends(quarter) for quarter in column.quarters]
    rising, falling = _moves(quarters), _moves([(-high, -low) for low, high in quarters])
    counts = column.whole and column.unique
    lowest: float | None = 0 if least >= 0 else None
    if not (falling or counts):
        beyond = _beyond(column, least, greatest, [low for low, _ in quarters])
        lowest = max(0, beyond) if least >= 0 else beyond
    highest = None if rising or counts else _beyond(column, greatest, least, [high for _, high in quarters])
    highest = min(0, highest) if highest is not None and greatest <= 0 else highest
    return Range(lowest, highest, evidence + _outlying(column, greatest) + (", and growing" if rising else ""))


def _of_times(column: Column) -> Range:
    """Return the year as far before the oldest as the newest lies after it, and one some years ahead."""
    least, greatest = _ends(column.present)
    span = min(greatest - least, least.replace(tzinfo=None) - datetime.min, key=timedelta.total_seconds)  # noqa: DTZ901
    zone = "Z" if column.values.type.tz else ""
    low, high = (least - span).year, greatest.year + _YEARS
    evidence = f"{len(column.present):,} values from {least:%Y-%m-%d} to {greatest:%Y-%m-%d}"
    last = f"{high:04}-01-01T00:00:00{zone}" if high <= MAXYEAR else None
    return Range(f"{low:04}-01-01T00:00:00{zone}", last, evidence)


def _ends(values: Any) -> tuple[Any, Any]:
    ends = pc.min_max(values).as_py()
    return ends["min"], ends["max"]


def _moves(quarters: list[tuple[Any, Any]]) -> bool:
    """Tell whether values only ever grow along the rows, as a counter does: the next row exceeds any bound."""
    ordered = all(low <= later and high < last for (low, high), (later, last) in pairwise(quarters))
    return ordered and quarters[0][1] < quarters[-1][0]


def _beyond(column: Column, edge: float, other: float, extremes: list[float]) -> float:
    """Return a bound some way outside an extreme, rounded outwards to two digits of the span."""
    side, span = (1 if edge > other else -1), abs(edge - other)
    median: float = pc.quantile(column.present, q=0.5)[0].as_py()
    margin = max(_MARGIN * abs(edge - median), _LEAST_MARGIN * span, max(extremes) - min(extremes))
    step = 10.0 ** (math.floor(math.log10(span)) - 1)
    step = max(step, 1.0) if column.whole else step
    bound: float = side * math.ceil(side * (edge + side * margin) / step) * step
    return round(bound) if bound == round(bound) else round(bound, -math.floor(math.log10(step)))


def _outlying(column: Column, greatest: float) -> str:
    """Say so where one value alone stretches the range: then it is the reader who knows whether it is right."""
    usual = pc.quantile(column.present, q=_USUAL, interpolation="lower")[0].as_py()
    far = usual > 0 and greatest > 3 * usual
    return f", all but {1 - _USUAL:.1%} up to {_shown(usual)}" if far else ""


def _shown(value: float) -> str:
    """Write a number without commas up to four digits, for it may be a year."""
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= _LEAST_WITH_COMMAS else str(value)
    return f"{value:,.6g}"
