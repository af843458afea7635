"""What a run shows in the Prefect UI: progress while it loads, then the accounts and the validation result.

It adds up sums and keeps ten sample rows; it holds no tables.
"""

from datetime import timedelta
from typing import Any

from prefect import get_run_logger
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from datastream.lake.manifest import Header, Manifest
from datastream.lake.plan import Plan
from datastream.lane import Lane
from datastream.quality import Tally, Verdict, markdown
from datastream.records import RAW, RECORD_ID, RULES, Accounts

_SAMPLES = 10
_SHOWN_EVERY = timedelta(seconds=1)  # showing waits for a server that is busy with our own events


class Report:
    """The report of one run."""

    def __init__(self, lane: Lane) -> None:
        self._name, self._window = lane.stream.name, lane.window
        self._tally = Tally(lane.suite)
        self._samples: list[dict[str, Any]] = []
        self._set_aside: dict[str, int] = {}
        self._files = 0
        self.accounts = Accounts()
        self._clock, self._next = lane.clock, 0.0
        self._progress = create_progress_artifact(0.0, key=self._key("progress"), description=self._said())

    def add(self, plan: Plan, manifest: Manifest, verdict: Verdict | None = None) -> None:
        """Count one commit in, and move the progress."""
        if verdict is not None and verdict.rows:
            self._tally.add(verdict)
        header = manifest.header
        self.accounts += header.accounts
        self._files += len(manifest.files)
        for rule, rows in header.set_aside.items():
            self._set_aside[rule] = self._set_aside.get(rule, 0) + rows
        missing = _SAMPLES - len(self._samples)
        self._samples += plan.set_aside.slice(0, missing).drop_columns([RAW, RECORD_ID]).to_pylist()
        get_run_logger().info("commit %s-%012d: %s", header.lane, header.seq, self._said())
        self._show_progress(_percent(header))

    def _show_progress(self, percent: float) -> None:
        now = self._clock.monotonic()
        if now >= self._next:
            update_progress_artifact(self._progress, percent, description=self._said())
            self._next = now + _SHOWN_EVERY.total_seconds()

    def publish(self) -> None:
        """Show the accounts and the validation result."""
        update_progress_artifact(self._progress, 100.0, description=self._said())
        create_table_artifact(self._rows(), key=self._key("accounts"), description=f"{self._name} {self._window}")
        create_markdown_artifact(self._validation(), key=self._key("validation"), description=self._said())

    def _key(self, what: str) -> str:
        return f"{self._name}-{what}".replace("_", "-")  # Prefect allows no underscore in a key

    def _said(self) -> str:
        a = self.accounts
        return (
            f"{a.read:,} read = {a.loaded:,} loaded + {a.quarantined:,} quarantined + {a.duplicates:,} duplicates, "
            f"{self._files:,} files"
        )

    def _rows(self) -> list[dict[str, Any]]:
        a = self.accounts
        by_rule = {f"quarantined by {rule}": rows for rule, rows in sorted(self._set_aside.items())}
        rows = {"read": a.read, "loaded": a.loaded, "quarantined": a.quarantined, **by_rule}
        rows |= {"duplicates": a.duplicates, "files": self._files}
        return [{"account": name, "rows": f"{count:,}"} for name, count in rows.items()]

    def _validation(self) -> str:
        command = f"datastream quarantine show {self._name}"
        samples = [{RULES: ", ".join(row.pop(RULES) or []), **row} for row in self._samples]
        return markdown(self._tally, samples, command)


def _percent(header: Header) -> float:
    """Return how much of the window is read, as far as its paginator knows."""
    position = header.offsets.get("position") or {}
    page, total = position.get("page"), position.get("total")
    if not position:
        return 100.0
    return 100.0 * (page - 1) / total if page and total else 0.0
