"""Checks of what a stream committed, each a question with its figures: is it fresh, by the time of loading, by the
records' own and by its schedule, and has it the columns it had?
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from datastream.quality.check import Check, named, result, shown
from datastream.quality.report import clean


class Schedule(msgspec.Struct, frozen=True):
    """When a stream is to be loaded, and when a run of it completed last, as whoever schedules it knows."""

    told: str
    """How it is said to people: `every 1 h`."""
    most: timedelta
    """So long ago the last run that completed may lie."""
    completed: datetime | None
    since: datetime | None = None
    """Since when it is to be."""


class Version(msgspec.Struct, array_like=True, frozen=True):
    """The columns of a stream's rows from a commit on."""

    at: datetime
    commit: str
    columns: dict[str, str]


def freshness(newest: datetime | None, record: object, now: datetime, within: timedelta | None) -> Check:
    """Ask how long ago rows were loaded; `record` is the greatest cursor value among them, if there is one."""
    expected = f"at most {shown(within)} ago" if within else ""
    high = within.total_seconds() if within else None
    if newest is None:
        return Check(
            "freshness", "no row was loaded yet", expected, result(None if within is None else False), high=high
        )
    age = max(now - newest, timedelta())
    observed = f"rows were loaded {shown(age)} ago, at {newest.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    note = "" if record is None else f"; the newest record is of {clean(str(record))}"
    met = None if within is None else age <= within
    return Check("freshness", observed, expected, result(met), value=age.total_seconds(), high=high, note=note)


def records(newest: datetime | None, now: datetime, within: timedelta) -> Check:
    """Ask how old the newest record is by its own time. Without one that has a time, nothing is judged."""
    expected, high = f"at most {shown(within)} old", within.total_seconds()
    if newest is None:
        return Check("records", "no record has a time: there is no cursor and no partition that is one", expected,
                     "not judged", high=high)  # fmt: skip
    age = max(now - newest, timedelta())
    observed = f"the newest record is {shown(age)} old"
    return Check("records", observed, expected, result(age <= within), value=age.total_seconds(), high=high)


def schedule(known: Schedule, changed: datetime | None, now: datetime) -> Check:
    """Ask whether a run of the stream's schedule completed in time. One that was `changed` has all its time again."""
    expected, high = f"{known.told}, at most {shown(known.most)} ago", known.most.total_seconds()
    last = known.completed
    waited = [now - begun for begun in (last or known.since, changed) if begun is not None]
    met = min(waited) <= known.most if waited else None
    if last is None:
        return Check("schedule", "no run completed yet", expected, result(False if met is False else None), high=high)
    age = max(now - last, timedelta())
    observed = f"a run completed {shown(age)} ago, at {last.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return Check("schedule", observed, expected, result(met), value=age.total_seconds(), high=high)


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
    said = "; ".join(f"{what}: {named(names)}" for what, names in changes.items() if names)
    observed = said or f"{len(now):,} columns, as in commit {earlier}"
    count = sum(len(names) for names in changes.values())
    return Check(
        "schema", observed, expected, result(not said if fixed else None), value=count, high=0 if fixed else None
    )


def schema(versions: Sequence[Version], newest: str, since: datetime, *, fixed: bool) -> Check:
    """Ask `columns` of the newest commit and of the version that it is `compared` with."""
    if not versions:
        return columns({}, {}, "", fixed=fixed)
    last, earlier = versions[-1], compared(versions, since)
    if earlier.commit == newest:
        return columns(last.columns, {}, "", fixed=fixed)
    return msgspec.structs.replace(columns(last.columns, earlier.columns, earlier.commit, fixed=fixed), since=last.at)


def compared(versions: Sequence[Version], since: datetime) -> Version:
    """Return the last version from before `since`, else the oldest that is known."""
    return next((version for version in reversed(versions) if version.at < since), versions[0])
