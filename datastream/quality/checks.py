"""Checks of what a stream committed: is it fresh, enough and clean, and has it the columns it had? From figures of the
log to one line a check. What the stream file expects nothing of is told and not judged.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Literal

import msgspec

from datastream.catalog import Volume
from datastream.quality.report import clean

Result = Literal["met", "not met", "not judged"]

EARLIER_WINDOWS = 7
"""So many windows before the last one are looked at, to tell what is usual."""
_ENOUGH = 3
_SHOWN_COLUMNS = 8
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


class Load(msgspec.Struct, frozen=True):
    """What one commit did, and when."""

    at: datetime
    loaded: int
    quarantined: int


class Check(msgspec.Struct, frozen=True):
    """One question: what was seen, what was expected, and whether that is met."""

    check: str
    observed: str
    expected: str
    result: Result

    def __str__(self) -> str:
        expected = f" (expected: {self.expected})" if self.expected else ""
        return f"{self.check}: {self.observed}{expected}"


def freshness(newest: datetime | None, record: object, now: datetime, within: timedelta | None) -> Check:
    """Ask how long ago rows were loaded; `record` is the greatest cursor value among them, if there is one."""
    expected = f"at most {shown(within)} ago" if within else ""
    if newest is None:
        return Check("freshness", "no row was loaded yet", expected, _result(None if within is None else False))
    age = max(now - newest, timedelta())
    observed = f"rows were loaded {shown(age)} ago, at {newest.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if record is not None:
        observed += f"; the newest record is of {clean(str(record))}"
    return Check("freshness", observed, expected, _result(None if within is None else age <= within))


def volume(loads: Sequence[Load], now: datetime, wanted: Volume) -> Check:
    """Ask how many rows were loaded in the last window."""
    last, *earlier = (sum(load.loaded for load in window) for window in _windows(loads, now, wanted.window))
    observed = f"{last:,} rows loaded in {shown(wanted.window)}{_usual(earlier, '{:,.0f}'.format)}"
    least = [f"at least {wanted.least:,}"] if wanted.least is not None else []
    most = [f"at most {wanted.most:,}"] if wanted.most is not None else []
    met = (wanted.least or 0) <= last and (wanted.most is None or last <= wanted.most)
    return Check("volume", observed, ", ".join(least + most), _result(met if least or most else None))


def quarantined(loads: Sequence[Load], now: datetime, window: timedelta, at_most: float | None) -> Check:
    """Ask which share of the last window's rows was set aside. Of no rows there is no share, and none is judged."""
    last, *earlier = (_share(commits) for commits in _windows(loads, now, window))
    expected = "" if at_most is None else f"at most {_percent(at_most)}"
    if last is None:
        return Check("quarantined", f"no row came in {shown(window)}", expected, "not judged")
    usual = _usual([share for share in earlier if share is not None], _percent)
    observed = f"{_percent(last)} of the rows of {shown(window)}{usual}"
    return Check("quarantined", observed, expected, _result(None if at_most is None else last <= at_most))


def columns(now: Mapping[str, str], before: Mapping[str, str], earlier: str, *, fixed: bool) -> Check:
    """Ask which columns are new, lost or of another type than in the commit `earlier`; without it none is judged."""
    expected = f"those of commit {earlier}" if fixed and before else ""
    if not now or not before:
        observed = f"{len(now):,} columns, and no earlier commit to compare with" if now else "no row was loaded yet"
        return Check("schema", observed, expected, "not judged")
    changes = {
        "new": [f"{name} ({kind})" for name, kind in now.items() if name not in before],
        "lost": [f"{name} ({kind})" for name, kind in before.items() if name not in now],
        "retyped": [f"{n} ({before[n]} to {kind})" for n, kind in now.items() if before.get(n, kind) != kind],
    }
    told = "; ".join(f"{what}: {_list(names)}" for what, names in changes.items() if names)
    observed = told or f"{len(now):,} columns, as in commit {earlier}"
    return Check("schema", observed, expected, _result(not told if fixed else None))


def told(stream: str, checks: Sequence[Check]) -> str:
    """Return the result of all checks in a sentence."""
    failed = [str(check) for check in checks if check.result == "not met"]
    if not failed:
        met = sum(check.result == "met" for check in checks)
        if not met and any(check.expected for check in checks):
            return f"No check of {stream!r} is judged: nothing was loaded yet that could be."
        if not met:
            return f"No check of {stream!r} is judged: streams/{stream}.yaml expects nothing under `quality`."
        return f"Checks of {stream!r}: {met} met, {len(checks) - met} not judged."
    return (
        f"Checks of {stream!r} that are not met: {'; '.join(failed)}. Look at the runs that load it and at its source, "
        f"or correct `quality` in streams/{stream}.yaml."
    )


def shown(duration: timedelta) -> str:
    """Return a duration for people, in its two greatest units: `3 h 20 min`."""
    left = int(duration.total_seconds())
    counts: list[tuple[int, str]] = []
    for unit, seconds in _UNITS:
        count, left = divmod(left, seconds)
        if count or counts:
            counts.append((count, unit))
    return " ".join(f"{count:,} {unit}" for count, unit in counts[:2] if count) or "0 s"


def _windows(loads: Sequence[Load], now: datetime, window: timedelta) -> list[list[Load]]:
    """Return the commits of the last window, and of those before it that lie wholly after the stream's first commit."""
    whole = max(((now - load.at) // window for load in loads), default=0)
    found: list[list[Load]] = [[] for _ in range(min(max(whole, 1), 1 + EARLIER_WINDOWS))]
    for load in loads:
        ago = max((now - load.at) // window, 0)  # another machine's clock may be ahead of ours
        if ago < len(found):
            found[ago].append(load)
    return found


def _share(commits: Sequence[Load]) -> float | None:
    aside = sum(load.quarantined for load in commits)
    rows = aside + sum(load.loaded for load in commits)
    return aside / rows if rows else None


def _usual(values: Sequence[float], told: Callable[[float], str]) -> str:
    if len(values) < _ENOUGH:
        return ""
    return f"; {told(median(values))} is the median of the {len(values)} windows before"


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN_COLUMNS:,} more" if len(names) > _SHOWN_COLUMNS else ""
    return clean(", ".join(names[:_SHOWN_COLUMNS])) + more


def _result(met: bool | None) -> Result:  # noqa: FBT001 - it is the answer itself
    return "not judged" if met is None else "met" if met else "not met"
