"""Draws charts as inline SVG that stretches to any width: no script, no text inside, no colour of its own.

What a chart says stands in its label and its titles; a result is told by the height of its cell, not by colour alone.
"""

from collections.abc import Callable, Sequence
from html import escape

from datastream.health.state import Point
from datastream.report.words import text, when

CELLS = 40
_HEIGHT = {"not judged": 2, "met": 6, "muted": 9, "not met": 12}
_CLASS = {"not judged": "n", "met": "g", "muted": "u", "not met": "b"}
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
        drawn.append(f"<g><title>{escape(title)}</title>{both}</g>")
    return _svg(label, _STEP * len(days), _TALL, "bars", drawn)


def columns(label: str, days: Sequence[tuple[str, int]]) -> str:
    """Return a bar a day, for a line of a table."""
    most = max((rows for _, rows in days), default=0) or 1
    drawn = [
        f"<g><title>{escape(day)}: {rows:,}</title>{_rect(at, _TALL - (high := _height(rows, most)), high, 'a')}</g>"
        for at, (day, rows) in enumerate(days)
        if rows
    ]
    return _svg(label, _STEP * len(days), _TALL, "columns", drawn)


def line(label: str, points: Sequence[Point]) -> str:
    """Return what a check saw over time, with the band in which that is met, and a mark where it was not."""
    low, high = _ends(points)

    def y(value: float) -> float:
        return round(_TALL - 4 - (_TALL - 8) * (min(max(value, low), high) - low) / (high - low), 1)

    drawn = [_band(points, y)]
    for at, point in enumerate(points):
        if point.result == "not met" and point.value is not None:
            drawn.append(f'<path class="bad" d="M{at} 0V{_TALL}"/>')
    path = ""
    for at, point in enumerate(points):
        before = points[at - 1].value if at else None
        if point.value is not None:
            path += f"{'M' if before is None else 'L'}{at} {y(point.value)}"
    drawn.append(f'<path class="seen" d="{path}"/>')
    return _svg(label, max(len(points) - 1, 1), _TALL, "line", drawn)


def has_line(points: Sequence[Point]) -> bool:
    """Tell whether there are numbers to draw, of which something is expected or some differ."""
    values = [point.value for point in points if point.value is not None]
    asked = any(point.low is not None or point.high is not None for point in points)
    return len(values) > 1 and (asked or len({*values}) > 1)


def _ends(points: Sequence[Point]) -> tuple[float, float]:
    numbers = [n for p in points for n in (p.value, p.low, p.high) if n is not None]
    low, high = min(0.0, *numbers), max(numbers)
    return low, high if high > low else low + 1


def _band(points: Sequence[Point], y: Callable[[float], float]) -> str:
    """Return what is met as an area; it reaches to the edge where it has no other end."""
    drawn = ""
    for at, point in enumerate(points):
        if point.low is None and point.high is None:
            continue
        top = 0.0 if point.high is None else y(point.high)
        bottom = float(_TALL) if point.low is None else y(point.low)
        drawn += f"M{at - 0.5:g} {top}h1V{bottom}h-1Z"
    return f'<path class="band" d="{drawn}"/>' if drawn else ""


def _cell(at: int, group: Sequence[Point], told: Told) -> str:
    first, last = group[0], group[-1]
    worst = min(group, key=_how_bad) if first is not last else first
    span = when(first.at) if first is last else f"{when(first.at)} to {when(last.at)}"
    seen = "" if worst.value is None else f", {told(worst.value)}"
    high = _HEIGHT[worst.result]
    return (
        f'<rect x="{4 * at}" y="{12 - high}" width="3" height="{high}" class="{_CLASS[worst.result]}"><title>'
        f"{escape(f'{span}: {worst.result}{seen}')}</title></rect>"
    )


def _how_bad(point: Point) -> int:
    return -_HEIGHT[point.result]


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
