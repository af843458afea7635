"""What one check says: what was seen, what was expected, whether that is met; and how figures are shown."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from datastream.quality.report import clean

Result = Literal["met", "not met", "not judged", "muted"]
_SHOWN = 8
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


class Check(msgspec.Struct, frozen=True):
    """One question: what was seen, what was expected, and whether that is met. No text but `note` holds a row's value.

    Where nothing is `expected`, it is told and not judged.
    """

    check: str
    observed: str
    expected: str
    result: Result
    subject: str = ""
    """The column, the rule, or what else of the stream is asked about; empty where it is all of it."""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    """What was seen as a number, and between which numbers that is met."""
    note: str = ""
    """What may be a value of a row. It is shown to people, and neither kept nor sent."""
    since: datetime | None = None
    """Of a check over time: where that begins. While it is not met, nothing is learned of it."""
    until: datetime | None = None
    """Where it ends; None is now."""
    severity: str = ""
    incident: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from the stream's other checks."""
        return self.check, self.subject

    @property
    def name(self) -> str:
        """What it is called, as commands take it."""
        return f"{self.check}:{clean(self.subject)}" if self.subject else self.check

    def __str__(self) -> str:
        expected = f" (expected: {self.expected})" if self.expected else ""
        return f"{self.name}: {self.observed}{self.note}{expected}"


def told(stream: str, checks: Sequence[Check]) -> str:
    """Return the result of all checks in a sentence."""
    failed = [str(check) for check in checks if check.result == "not met"]
    muted = sum(check.result == "muted" for check in checks)
    silent = f", {muted} muted" if muted else ""
    if failed:
        return (
            f"Checks of {stream!r} that are not met: {'; '.join(failed)}{silent}. Look at the runs that load it and at "
            f"its source, or correct `quality` in streams/{stream}.yaml; `datastream quality accept {stream} CHECK` "
            "takes what was learned anew."
        )
    met = sum(check.result == "met" for check in checks)
    if not met and not muted and any(check.expected for check in checks):
        return f"No check of {stream!r} is judged: nothing was loaded yet that could be."
    if not met and not muted:
        return f"No check of {stream!r} is judged: streams/{stream}.yaml expects nothing under `quality`."
    return f"Checks of {stream!r}: {met} met{silent}, {len(checks) - met - muted} not judged."


def result(met: bool | None) -> Result:  # noqa: FBT001 - it is the answer itself
    """Return the result of an answer; None stands for a question that cannot be answered or was not asked."""
    return "not judged" if met is None else "met" if met else "not met"


def shown(duration: timedelta) -> str:
    """Return a duration for people, in its two greatest units: `3 h 20 min`."""
    left = int(duration.total_seconds())
    counts: list[tuple[int, str]] = []
    for unit, seconds in _UNITS:
        count, left = divmod(left, seconds)
        if count or counts:
            counts.append((count, unit))
    return " ".join(f"{count:,} {unit}" for count, unit in counts[:2] if count) or "0 s"


def percent(share: float) -> str:
    """Return a share for people."""
    return f"{100 * share:.2f}%"


def named(names: Sequence[str]) -> str:
    """Return some names for people, and how many more there are."""
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return clean(", ".join(names[:_SHOWN])) + more
