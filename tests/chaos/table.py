"""A chaos run as text: what happened how often."""

from collections.abc import Iterable

from tests.chaos.tally import POINTS, SOMETIMES, Tally


def table(tally: Tally) -> str:
    """Return kills by point and lake, then faults, paths and how workers ended."""
    lakes = sorted({lake for lake, _ in tally.kills})
    lines = ["", _line("killed at", lakes)]
    lines += [_line(point, (tally.hits(point, lake) for lake in lakes)) for point in POINTS]
    lines += [_line("in all", (sum(tally.hits(point, lake) for point in POINTS) for lake in lakes))]
    lines += ["", "faults", *(_line(name, [count]) for name, count in sorted(tally.faults.items()))]
    lines += ["", "paths", *(_line(name, [tally.paths[name]]) for name in SOMETIMES)]
    others = sorted(name for name in tally.paths if name not in SOMETIMES)
    lines += [_line(name, [tally.paths[name]]) for name in others]
    lines += ["", "workers", *(_line(name, [count]) for name, count in sorted(tally.ends.items())), ""]
    return "\n".join(lines)


def _line(name: str, values: Iterable[object]) -> str:
    return f"  {name:36}" + "".join(f"{value!s:>8}" for value in values)
