"""Sums of what became of rows, by spans of one length. So many spans are kept, however many commits there are."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

import msgspec


class Sums(msgspec.Struct, array_like=True, frozen=True):
    """What became of the rows of some time."""

    volume: int | None = None
    """Rows that were loaded; of a stream that is replaced, those of the last snapshot that became whole. None: none."""
    read: int = 0
    quarantined: int = 0
    duplicates: int = 0

    @property
    def checked(self) -> int:
        """Rows that were no duplicates."""
        return self.read - self.duplicates

    @classmethod
    def of(cls, parts: Sequence["Sums"], *, gauge: bool) -> "Sums":
        """Return the sums of many times, oldest first; what `then` makes of them one by one, and sooner."""
        if not parts:
            return cls()
        volumes, read, quarantined, duplicates = zip(*map(msgspec.structs.astuple, parts), strict=True)
        if gauge:
            volume = next((each for each in reversed(volumes) if each is not None), None)
        else:
            volume = None if volumes.count(None) == len(volumes) else sum(filter(None, volumes))
        return cls(volume, sum(read), sum(quarantined), sum(duplicates))

    def then(self, later: "Sums", *, gauge: bool) -> "Sums":
        """Return the sums of both times. Volumes add up; as a gauge, the later one counts."""
        both = (self.volume, later.volume)
        last = later.volume if later.volume is not None else self.volume
        volume = last if gauge or None in both else (self.volume or 0) + (later.volume or 0)
        return Sums(
            volume,
            self.read + later.read,
            self.quarantined + later.quarantined,
            self.duplicates + later.duplicates,
        )


class Buckets(msgspec.Struct):
    """Sums of spans of one length, by the number of the span since 1970."""

    seconds: float
    kept: int
    spans: dict[int, Sums] = {}

    def add(self, at: datetime, sums: Sums, *, gauge: bool) -> None:
        """Count a commit in."""
        number = int(at.timestamp() // self.seconds)
        self.spans[number] = self.spans.get(number, Sums()).then(sums, gauge=gauge)

    def trim(self, now: datetime) -> None:
        """Let go what is too old."""
        oldest = int(now.timestamp() // self.seconds) - self.kept
        for number in [number for number in self.spans if number < oldest]:
            del self.spans[number]

    def between(self, start: datetime, until: datetime, *, gauge: bool) -> Sums:
        """Return the sums of the spans that begin in a time, or in which it begins."""
        return self.split([start, until], gauge=gauge)[0]

    def split(self, edges: Sequence[datetime], *, gauge: bool) -> list[Sums]:
        """Return the sums from each edge to the next. A span belongs to where it begins; the first may begin before."""
        there = sorted(self.spans)
        marks = [edges[0].timestamp() // self.seconds, *(edge.timestamp() / self.seconds for edge in edges[1:])]
        ends = pairwise(bisect_left(there, mark) for mark in marks)
        return [Sums.of([*map(self.spans.__getitem__, there[begin:end])], gauge=gauge) for begin, end in ends]
