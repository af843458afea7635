"""Which crashed runs are run again, and when. Pure: nothing is asked or changed here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
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


def attempt_of(run: Mapping[str, Any]) -> int:
    """Return how often a run was run again already, by its tag."""
    return max((int(tag.removeprefix(_TAG)) for tag in run["tags"] if _counts(tag)), default=0)


def due(run: Mapping[str, Any], others: Iterable[Mapping[str, Any]], now: datetime, again: Again) -> datetime | None:
    """Return when to run a crashed run again, or None: it was repeated often enough, or another takes its place.

    `others` are runs of the same deployment.
    """
    attempt = attempt_of(run)
    if attempt >= len(again.after) or any(_takes_its_place(other, run, now + again.soon) for other in others):
        return None
    return now + again.after[attempt]


def tags_of(run: Mapping[str, Any]) -> list[str]:
    """Return the tags of the run that repeats `run`."""
    return [*(tag for tag in run["tags"] if not _counts(tag)), f"{_TAG}{attempt_of(run) + 1}"]


def key_of(run: Mapping[str, Any]) -> str:
    """Return the idempotency key of the run that repeats `run`: of two keepers one makes it."""
    return f"rerun-{run['id']}"


def _takes_its_place(other: Mapping[str, Any], run: Mapping[str, Any], soon: datetime) -> bool:
    if other["idempotency_key"] == key_of(run):
        return True
    if other["id"] == run["id"] or other["parameters"] != run["parameters"] or other["state_type"] == "CANCELLED":
        return False
    starts, began = (
        datetime.fromisoformat(other["expected_start_time"]),
        run["start_time"] or run["expected_start_time"],
    )
    under_way = other["state_type"] in {"PENDING", "RUNNING"}
    return under_way or (datetime.fromisoformat(began) < starts <= soon)


def _counts(tag: str) -> bool:
    return tag.startswith(_TAG) and tag.removeprefix(_TAG).isdecimal()
