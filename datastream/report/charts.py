"""Draws charts as inline SVG that stretches to any width: no script, no text inside, no colour of its own.

What a chart says stands in its label and its titles; a result is told by the height of its cell, not by colour alone.
Titles are made of times, numbers and words of ours, so nothing in them is escaped; a label names what strangers named.
"""

from collections.abc import Callable, Sequence
from html import escape
from itertools import chain, groupby
from operator import attrgetter

import msgspec

from datastream.health.state import Point
from datastream.report.words import text, when

CELLS = 32
"""Of as many looks as are kept, three share one, and the strip is full."""
_LOOKS = {"not judged": (2, "n"), "met": (6, "g"), "muted": (9, "u"), "not met": (12, "b")}
"""How high a cell is, and its class."""
_EXPECTED = attrgetter("low", "high")
_TALL = 60
_STEP = 10
Told = Callable[[float], str]


def strip(label: str, points: Sequence[Point], told: Told, cells: int = CELLS) -> str:
    """Return a cell a look, oldest first; of many looks, some share a cell, which shows the worst."""
    together = -(-len(points) // cells) or 1
    groups = [points[at : at + together] for at in range(0, len(points), together)]
    drawn = [_cell(at, group, told) for at, group in enumerate(groups)]
    return _svg(label, 4 * cells, 12, "strip", drawn)


def bars(label: str, days: Sequence[tuple[str, int, int]]) -> str:
    """Return a bar a day: its name, the rows that were loaded, and on them those that were set aside."""
    most = max((loaded + aside for _, loaded, aside in days), default=0) or 1
    drawn = []
    for at, (day, loaded, aside) in enumerate(days):
        if not loaded and not aside:
            continue
        high, above = _height(loaded, most), _height(aside, most)
        title = f"{day}: {loaded:,} loaded, {aside:,} set aside"
        both = _rect(at, _TALL - high, high, "l") + _rect(at, _TALL - high - above, above, "a")
        drawn.append(f"<g><title>{title}</title>{both}</g>")
    return _svg(label, _STEP * len(days), _TALL, "bars", drawn)


def columns(label: str, days: Sequence[tuple[str, int]]) -> str:
    """Return a bar a day, for a line of a table."""
    most = max((rows for _, rows in days), default=0) or 1
    drawn = [
        f"<g><title>{day}: {rows:,}</title>{_rect(at, _TALL - (high := _height(rows, most)), high, 'a')}</g>"
        for at, (day, rows) in enumerate(days)
        if rows
    ]
    return _svg(label, _STEP * len(days), _TALL, "columns", drawn)


def line(label: str, points: Sequence[Point]) -> str:
    """Return what a check saw over time, with the band in which that is met, and a mark where it was not."""
    low, high = _ends(points)
    scale = (_TALL - 8) / (high - low)

    def y(value: float) -> float:
        return round(_TALL - 4 - (value - low) * scale, 1)

    missed, seen, begin = "", "", "M"
    for at, point in enumerate(points):
        value = point.value
        if value is None:
            begin = "M"
            continue
        seen, begin = f"{seen}{begin}{at} {y(value)}", "L"
        if point.result == "not met":
            missed += f"M{at} 0V{_TALL}"
    drawn = [_band(points, y), *([f'<path class="bad" d="{missed}"/>'] if missed else [])]
    return _svg(label, max(len(points) - 1, 1), _TALL, "line", [*drawn, f'<path class="seen" d="{seen}"/>'])


def has_line(points: Sequence[Point]) -> bool:
    """Tell whether there are numbers to draw, of which something is expected or some differ."""
    values = [point.value for point in points if point.value is not None]
    asked = any(point.low is not None or point.high is not None for point in points)
    return len(values) > 1 and (asked or len({*values}) > 1)


def _ends(points: Sequence[Point]) -> tuple[float, float]:
    _, *numbers, _ = zip(*map(msgspec.structs.astuple, points), strict=True)
    there = {*chain(*numbers), 0.0} - {None}
    low, high = min(there), max(there)
    return low, high if high > low else low + 1


def _band(points: Sequence[Point], y: Callable[[float], float]) -> str:
    """Return what is met as an area; it reaches to the edge where it has no other end."""
    drawn, at = "", 0
    for (low, high), alike in groupby(points, _EXPECTED):
        many = len([*alike])
        if low is not None or high is not None:
            top = 0.0 if high is None else y(high)
            bottom = float(_TALL) if low is None else y(low)
            drawn += f"M{at - 0.5:g} {top}h{many}V{bottom}h-{many}Z"
        at += many
    return f'<path class="band" d="{drawn}"/>' if drawn else ""


def _cell(at: int, group: Sequence[Point], told: Told) -> str:
    first, last = group[0], group[-1]
    worst = max(group, key=_how_bad) if first is not last else first
    span = when(first.at) if first is last else f"{when(first.at)} to {when(last.at)}"
    seen = "" if worst.value is None else f", {told(worst.value)}"
    high, kind = _LOOKS[worst.result]
    return (
        f'<rect x="{4 * at}" y="{12 - high}" width="3" height="{high}" class="{kind}"><title>{span}: '
        f"{worst.result}{seen}</title></rect>"
    )


def _how_bad(point: Point) -> int:
    return _LOOKS[point.result][0]


def _height(rows: int, most: int) -> float:
    return max(round(_TALL * rows / most, 1), 1.0) if rows else 0.0  # a few among millions are seen too


def _rect(at: int, y: float, high: float, kind: str) -> str:
    if not high:
        return ""
    return f'<rect x="{_STEP * at + 1}" y="{max(round(y, 1), 0)}" width="{_STEP - 2}" height="{high}" class="{kind}"/>'


def _svg(label: str, width: float, height: float, kind: str, drawn: Sequence[str]) -> str:
    return (
        f'<svg class="{kind}" role="img" aria-label="{escape(text(label, 300))}" viewBox="0 0 {max(width, 1):g} '
        f'{height:g}" preserveAspectRatio="none">{"".join(drawn)}</svg>'
    )
