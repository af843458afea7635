"""What a chaos run has done so far, over all its campaigns: kills by point, paths that were taken, what went wrong."""

from collections import Counter
from dataclasses import dataclass, field, fields

from tests.chaos.notes import PATHS

STEPS = ("claim", "transform", "check", "decide", "write", "file", "commit", "settle", "announce")
POINTS = (*(f"{step}.{side}" for step in STEPS for side in ("before", "after")), "announce.confirmed")
REPEATS = "a repeat told by its mark", "a repeat told by a file"
SOMETIMES = (*PATHS, *REPEATS)


@dataclass
class Tally:
    """Counts, and sentences about what must not be."""

    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By kind of lake and point."""
    ends: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    paths: Counter[str] = field(default_factory=Counter)
    records: int = 0
    commits: int = 0
    lost: int = 0
    duplicated: int = 0
    unreadable: int = 0
    excused: int = 0
    """Records that a flushed or restored buffer took before they were decided, or that nobody answered for."""
    reads: int = 0
    problems: list[str] = field(default_factory=list)

    def hits(self, point: str, lake: str | None = None) -> int:
        """Return how often a point killed, on one kind of lake or on all."""
        return sum(count for (kind, name), count in self.kills.items() if name == point and lake in (None, kind))

    def fewest(self, lake: str) -> int:
        """Return how often the point that killed the fewest workers did so, on one kind of lake."""
        return min(self.hits(point, lake) for point in POINTS)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(**{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)})

    @property
    def clean(self) -> bool:
        """Tell whether nothing was found."""
        return not (self.lost or self.duplicated or self.unreadable or self.problems)
