"""Which crashed runs are run again, and when. Pure: nothing is asked or changed here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

SAFE = frozenset({"etl-pipeline", "backfill", "data-validation", "quality-checks", "lake-maintenance"})
"""Flows that may be repeated freely: what a crashed run did is found done. Replays and releases of quarantine are a
person's decision; what a crashed one left half done, the stream's next load finishes."""
_TAG = "rerun:"


@dataclass(frozen=True, slots=True)
class Again:
    """How often a crashed run is run again, after how long, and how old a crash may be."""

    after: tuple[timedelta, ...] = (timedelta(), timedelta(seconds=30), timedelta(minutes=2))
    within: timedelta = timedelta(minutes=15)
    soon: timedelta = timedelta(seconds=30)
    """A run that is due so soon takes what the crashed one left."""


def is_ours(flow: str, entrypoint: str | None) -> bool:
    """Tell whether a deployment runs this project's flow: another project's backfill may not be repeated freely."""
    module = flow.replace("-", "_")
    return entrypoint == f"flows.{module}.{module}"


def attempt_of(run: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> int:
    """Return how often a run was run again already: by its tag, and by those just before it that crashed in a row.

    So what always crashes is left to its schedule, which would begin to count anew each time. Runs that died beside it,
    as all do on a worker that is killed, are no row.
    """
    before = [o for o in others if _same(o, run) and _ended_before(o, _starts(run))]
    before.sort(key=_starts, reverse=True)
    in_a_row = sum(1 for _ in takewhile(lambda other: other["state_type"] == "CRASHED", before))
    return max(in_a_row, *(int(tag.removeprefix(_TAG)) for tag in run["tags"] if _counts(tag)), 0)


def due(run: Mapping[str, Any], others: Iterable[Mapping[str, Any]], now: datetime, again: Again) -> datetime | None:
    """Return when to run a crashed run again, or None: it was repeated often enough, or another takes its place.

    `others` are runs of the same deployment.
    """
    known = list(others)
    attempt = attempt_of(run, known)
    if attempt >= len(again.after) or any(_takes_its_place(other, run, now + again.soon) for other in known):
        return None
    return now + again.after[attempt]


def tags_of(run: Mapping[str, Any], attempt: int) -> list[str]:
    """Return the tags of the run that repeats `run`."""
    return [*(tag for tag in run["tags"] if not _counts(tag)), f"{_TAG}{attempt}"]


def key_of(run: Mapping[str, Any]) -> str:
    """Return the idempotency key of the run that repeats `run`: of two keepers one makes it."""
    return f"rerun-{run['id']}"


def _takes_its_place(other: Mapping[str, Any], run: Mapping[str, Any], soon: datetime) -> bool:
    if other["idempotency_key"] == key_of(run):
        return True
    if not _same(other, run) or other["state_type"] == "CANCELLED":
        return False
    starts, began = datetime.fromisoformat(other["expected_start_time"]), _starts(run)
    return other["state_type"] in {"PENDING", "RUNNING"} or began < starts <= soon


def _same(other: Mapping[str, Any], run: Mapping[str, Any]) -> bool:
    return bool(other["id"] != run["id"] and other["parameters"] == run["parameters"])


def _ended_before(run: Mapping[str, Any], began: datetime) -> bool:
    ended = run["end_time"] is not None and datetime.fromisoformat(run["end_time"]) <= began
    return ended and run["state_type"] != "CANCELLED"


def _starts(run: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(run["start_time"] or run["expected_start_time"])


def _counts(tag: str) -> bool:
    return tag.startswith(_TAG) and tag.removeprefix(_TAG).isdecimal()
