"""Sums of what became of rows, by spans of one length. So many spans are kept, however many commits there are."""

from collections.abc import Sequence
from datetime import datetime

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
        volumes = [part.volume for part in parts if part.volume is not None]
        volume = None if not volumes else volumes[-1] if gauge else sum(volumes)
        return cls(
            volume,
            sum([part.read for part in parts]),
            sum([part.quarantined for part in parts]),
            sum([part.duplicates for part in parts]),
        )

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
        self.spans = {number: sums for number, sums in sorted(self.spans.items()) if number >= oldest}

    def between(self, start: datetime, until: datetime, *, gauge: bool) -> Sums:
        """Return the sums of the spans that begin in a time, or in which it begins."""
        first, last = int(start.timestamp() // self.seconds), until.timestamp() / self.seconds
        found = Sums()
        for number, sums in sorted(self.spans.items()):
            if first <= number < last:
                found = found.then(sums, gauge=gauge)
        return found
