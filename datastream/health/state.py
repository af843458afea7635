"""What is known of a stream from run to run. It stands in the offsets of its lane's newest commit in `_quality`.

Everything here is bounded, so a run costs the same after ten and after ten thousand. What is long is packed into one
text: a manifest is printed with a line a number.
"""

import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

import msgspec

from datastream.errors import Permanent
from datastream.health.shown import Shown
from datastream.quality.check import Check
from datastream.quality.checks import Version
from datastream.quality.figures import Figures, Unhealthy
from datastream.quality.incidents import Change, Incidents
from datastream.quality.profiles import Profile

POINTS = 96
_MOST_UNHEALTHY = 300
_MOST_POINTED = 40
_FORMAT = 1


class StateTooNew(Permanent):
    """A later version has written what is known of a stream."""


class Point(msgspec.Struct, array_like=True, frozen=True):
    """What a check saw at a time, for charts."""

    at: datetime
    value: float | None
    low: float | None
    high: float | None
    result: str


class Memory(msgspec.Struct, kw_only=True):
    """What was learned of a stream."""

    figures: Figures
    loaded_at: datetime | None = None
    """When the newest commit was decided that loaded rows."""
    newest: str = ""
    """That commit."""
    record: str | int | None = None
    """The greatest cursor value."""
    record_at: datetime | None = None
    """The newest record's own time."""
    pass_rows: int | None = None
    """Rows of the pass over a source that is not whole yet."""
    versions: list[Version] = []
    """The columns from before the window on."""
    profiles: dict[str, list[Profile]] = {}
    """By column, oldest first: those of samples in which it was as usual."""
    unhealthy: list[Unhealthy] = []
    points: dict[str, list[Point]] = {}
    """By check, oldest first."""
    planned: str | None = None
    """The schedule at the last look; empty where there was none."""
    planned_since: datetime | None = None
    """When it was seen to be another one than before."""
    shown: Shown = msgspec.field(default_factory=Shown)
    """What else the quality page tells."""

    def note(self, check: Check, now: datetime) -> None:
        """Keep what a check saw, for charts; and, where it is not met, from when to when nothing is to be learned."""
        if not check.subject or check.check == "references":
            point = Point(now, check.value, check.low, check.high, check.result)
            self.points[check.name] = [*self.points.get(check.name, []), point][-POINTS:]
        if check.result in ("not met", "muted") and check.since is not None and check.check != "schema":
            until = check.until or now
            last = next((u for u in reversed(self.unhealthy) if (u.check, u.subject) == check.key), None)
            if last is not None and check.since <= last.until:  # the same trouble as in the last run
                self.unhealthy.remove(last)
                until, since = max(until, last.until), min(check.since, last.since)
            else:
                since = check.since
            self.unhealthy.append(Unhealthy(check.check, check.subject, since, until))

    def plan(self, told: str, now: datetime) -> None:
        """Keep which schedule there is: one that was paused or is new has not been late before."""
        if self.planned is not None and self.planned != told:
            self.planned_since = now
        self.planned = told

    def forget(self, check: str, subject: str, until: datetime, now: datetime) -> None:
        """Learn anew what is usual for a check, from what came after `until` on."""
        if check == "schema":
            self.versions = self.versions[-1:]
        elif check in ("nulls", "uniqueness"):
            self.profiles.pop(subject, None)
        else:
            self.unhealthy = [each for each in self.unhealthy if (each.check, each.subject) != (check, subject)]
            self.unhealthy.append(Unhealthy(check, subject, _ever(now), until))

    def trim(self, now: datetime) -> None:
        """Let go what is too old, or too much."""
        self.figures.trim(now)
        self.shown.trim(now)
        self.unhealthy = [each for each in self.unhealthy if each.until > _ever(now)][-_MOST_UNHEALTHY:]
        newest = sorted(self.points, key=lambda name: self.points[name][-1].at, reverse=True)[:_MOST_POINTED]
        self.points = {name: self.points[name] for name in self.points if name in newest}


class State(msgspec.Struct, kw_only=True):
    """All that a run needs of those before it."""

    upto: dict[str, int]
    """How far the log of each lane was read."""
    incidents: Incidents
    memory: Memory
    changes: list[Change] = []
    """What this commit has to tell: incidents that it opened or closed."""

    @property
    def offsets(self) -> dict[str, Any]:
        """The state as a commit keeps it."""
        packed = zlib.compress(msgspec.msgpack.encode(self.memory))
        plain = _Kept(upto=self.upto, incidents=self.incidents, changes=self.changes, memory=packed)
        kept: dict[str, Any] = msgspec.to_builtins(plain)
        return kept

    @staticmethod
    def changes_of(offsets: Mapping[str, Any]) -> list[Change]:
        """Return what a commit has to tell, and unpack nothing else."""
        return msgspec.convert(offsets["changes"], list[Change])

    @classmethod
    def of(cls, offsets: Mapping[str, Any]) -> Self:
        """Return the state that a commit keeps. Raises StateTooNew."""
        if offsets.get("format", 0) > _FORMAT:
            raise StateTooNew(
                f"What is known of a stream's quality is kept in format {offsets['format']}, and this version of "
                f"datastream knows formats up to {_FORMAT}. Upgrade datastream here too. Nothing was read or written."
            )
        kept = msgspec.convert(offsets, _Kept)
        memory = msgspec.msgpack.decode(zlib.decompress(kept.memory), type=Memory)
        return cls(upto=kept.upto, incidents=kept.incidents, memory=memory, changes=kept.changes)


class _Kept(msgspec.Struct, kw_only=True):
    upto: dict[str, int]
    incidents: Incidents
    changes: list[Change]
    memory: bytes
    format: int = _FORMAT


def _ever(now: datetime) -> datetime:
    """Return a moment before everything that is kept."""
    return now.replace(year=now.year - 1, day=min(now.day, 28))
