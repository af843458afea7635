"""How the platform looks on a terminal: what is wrong first, then what fits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deployments.cli.show import table, width_of

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table

    from deployments.overview import Overview
    from deployments.stack import ServiceStatus
    from deployments.standing import Standing

PARTS = ("part", "running", "address", "since")
_SPARED = ("since", "last commit", "comes by", "address", "unannounced", "commits", "age")
"""Columns that a narrow terminal goes without, the first of them first."""
_LONGEST = 24
"""A longer name is cut in the live view, where each stream has one line."""
_FRAME = 4
"""The lines of a table that are no rows."""


@dataclass(frozen=True, slots=True)
class Screen:
    """The live view of one moment. It fits the terminal that it is drawn on, and says how much it leaves out."""

    parts: "Sequence[ServiceStatus]"
    seen: "Overview"

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "Iterator[RenderableType]":
        """Yield what there is room for."""
        from rich.text import Text

        at = Text(f"{self.seen.at:%Y-%m-%d %H:%M:%S} UTC; Ctrl-C leaves this view", style="dim")
        said = [*(Text(line) for line in lines(self.parts, self.seen)), *(Text(t, "red") for t in self.seen.troubles)]
        taken = sum(len(console.render_lines(line, options)) for line in (at, *said))
        room = (options.height or console.height) - taken
        beside = len(self.parts) + _FRAME
        whole = room >= len(self.seen.streams) + _FRAME + beside
        yield at
        yield from said
        if not whole:
            yield _in_short(self.parts)
        yield from self._streams(options.max_width, room - _FRAME - (beside if whole else 2))
        if whole:
            yield parts_table(self.parts, options.max_width)

    def _streams(self, width: int, room: int) -> "Iterator[RenderableType]":
        from rich.text import Text

        streams = self.seen.streams
        if len(streams) <= room:
            yield streams_table(self.seen, streams, width, _LONGEST)
            return
        shown = sorted(streams, key=_calm)[: max(room - 1, 1)]
        yield streams_table(self.seen, sorted(shown, key=lambda standing: standing.stream), width, _LONGEST)
        yield Text(f"and {len(streams) - len(shown):,} more: `datastream status` shows all", style="dim")


def lines(parts: "Sequence[ServiceStatus]", seen: "Overview") -> list[str]:
    """Return what there is to say beside the tables."""
    return [*seen.lines, *(f"{part.title} is left out: {part.absent}" for part in parts if part.absent)]


def parts_table(parts: "Sequence[ServiceStatus]", width: int | None) -> "Table":
    """Return the parts of the platform as a table that fits."""
    rows = [(p.title, p.running, p.address, f"{p.since:%Y-%m-%d %H:%M:%S}" if p.since else "") for p in parts]
    made = _fitting(PARTS, rows, width)
    for row, part in zip(made.rows, parts, strict=True):
        row.style = None if part.running or part.absent else "red"
    return made


def streams_table(
    seen: "Overview", streams: "Sequence[Standing]", width: int | None, longest: int | None = None
) -> "Table":
    """Return some of the streams as a table that fits. Longer names than the `longest` are cut."""
    from deployments.overview import COLUMNS

    shown = dict(zip(seen.streams, seen.rows, strict=True))
    rows = [(_cut(standing.stream, longest), *shown[standing][1:]) for standing in streams]
    made = _fitting(COLUMNS, rows, width)
    if longest and width:
        name = made.columns[0]
        name.no_wrap, name.overflow = True, "ellipsis"
        name.max_width = max(longest - max(width_of(made) - width, 0), 1)  # the others stay whole
    for row, standing in zip(made.rows, streams, strict=True):
        row.style = "red" if standing.problem else "yellow" if standing.incidents else None
    return made


def _fitting(columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int | None) -> "Table":
    """Return a table without the columns that a terminal has no room for; then only names are wrapped."""
    spared = [name for name in _SPARED if name in columns]
    while True:
        made = table(columns, rows)
        if width is None or width_of(made) <= width or not spared:
            break
        at = columns.index(spared.pop(0))
        columns = [*columns[:at], *columns[at + 1 :]]
        rows = [[*row[:at], *row[at + 1 :]] for row in rows]
    for column in made.columns[1:]:
        column.no_wrap = True
    return made


def _cut(name: str, longest: int | None) -> str:
    return name if longest is None or len(name) <= longest else f"{name[: longest - 1]}…"


def _in_short(parts: "Sequence[ServiceStatus]") -> "RenderableType":
    from rich.text import Text

    dead = [part for part in parts if not part.running and not part.absent]
    if not dead:
        return Text(f"{sum(part.running for part in parts)} parts run.", style="dim")
    named = ", ".join(part.title for part in dead)
    return Text(f"Not running: {named}. `datastream up` starts what is missing.", style="red")


def _calm(standing: "Standing") -> tuple[bool, bool, int, str]:
    """Sort what somebody should look at before the others."""
    return standing.problem is None, not standing.incidents, -(standing.waiting or 0), standing.stream
