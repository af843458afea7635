"""What a run shows in the Prefect UI: progress while it loads, then the accounts and the validation result.

It adds up sums and keeps ten sample rows; it holds no tables.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.runtime import flow_run

from datastream.catalog import Stream
from datastream.clock import Clock
from datastream.collisions import Collisions
from datastream.errors import DatastreamError
from datastream.lake.manifest import Header, Manifest
from datastream.lake.plan import Plan
from datastream.lane import Lane
from datastream.quality import Suite, Tally, Verdict, markdown
from datastream.records import OBSERVED, RAW, RECORD_ID, RULES, SUITE, Accounts
from datastream.slices import Slices
from tasks.asset import materialize_rows
from tasks.gate import Word, tell_verdict, verdict_of, worst
from tasks.progress import Progress, artifact_key
from tasks.showing import Showing

_SAMPLES = 10


class Report:
    """The report of one run."""

    def __init__(self, stream: Stream, suite: Suite, lake: str, clock: Clock, showing: Showing) -> None:
        self._stream = stream
        self.title = self._name = stream.name
        self._tally = Tally(suite)
        self._samples: list[dict[str, Any]] = []
        self._set_aside: dict[str, int] = {}
        self._files = self._commits = 0
        self._held: list[str] = []
        self._verdict: Word = "met"
        self._windows: list[str] = []
        self._about = {"suite_version": suite.version, "lake": lake}
        self._failed: DatastreamError | None = None
        self.accounts, self._collisions = Accounts(), Collisions()
        self._showing = showing
        self._progress = Progress(self._key("progress"), self._said(), clock, showing)

    @contextmanager
    def draining(self, lane: Lane) -> Iterator[None]:
        """Call the run after a lane's window while it is drained. A lane that fails does not hinder the next ones."""
        one = lane.stream.shards == 1
        self._windows.append(lane.window if one else f"lane {lane.name}: {lane.window}")
        self.title = f"{self._name} {', '.join(self._windows)}"
        _name_the_run(self._showing, self.title)
        try:
            with nullcontext() if one else self._going_on(lane):
                yield
        finally:
            self._tell_apart(lane)

    @contextmanager
    def _going_on(self, lane: Lane) -> Iterator[None]:
        try:
            yield
        except DatastreamError as error:
            get_run_logger().error("Lane %s stopped: %s", lane.name, error)
            self._failed = self._failed or error

    def _tell_apart(self, lane: Lane) -> None:
        """Warn of records that the key does not tell apart, once a lane."""
        self._collisions += lane.collisions
        if lane.collisions:
            get_run_logger().warning(lane.collisions.told(lane.stream))

    def add(self, plan: Plan, manifest: Manifest, verdict: Verdict | None = None) -> None:
        """Count one commit in, and move the progress."""
        if verdict is not None and verdict.rows:
            self._tally.add(verdict)
        header = manifest.header
        self.accounts += header.accounts
        self._files += len(manifest.files)
        self._commits += 1
        self._verdict = worst(self._verdict, verdict_of(self._stream, header))
        for rule, rows in header.set_aside.items():
            self._set_aside[rule] = self._set_aside.get(rule, 0) + rows
        if header.held:
            self._held.append(str(manifest))
            get_run_logger().warning("commit %s is held, because of: %s", manifest, ", ".join(header.held))
        missing = _SAMPLES - len(self._samples)
        if missing and (aside := plan.set_aside) is not None:
            some = aside.slice(0, missing).drop_columns([RAW, RECORD_ID, SUITE]).to_pylist()
            self._samples += map(self._stream.mask.row, some)
        get_run_logger().info("commit %s-%012d: %s", header.lane, header.seq, self._said())
        self._progress.show(self._percent(header), self._said())

    def publish(self) -> None:
        """Show the accounts and the validation result, and tell what else waits for it that rows were loaded."""
        if self._failed is not None:
            raise self._failed
        self._progress.done(self._said())
        self._showing(self._show)
        if self.accounts.loaded:
            materialize_rows(self._name, self._metadata())
        if self.accounts.read:
            tell_verdict(self._name, self._verdict, self._metadata())

    def _show(self) -> None:
        create_table_artifact(self._rows(), key=self._key("accounts"), description=self.title)
        create_markdown_artifact(self._validation(), key=self._key("validation"), description=self._said())

    def _metadata(self) -> dict[str, Any]:
        a = self.accounts
        rows = {"rows_loaded": a.loaded, "rows_quarantined": a.quarantined, "duplicates": a.duplicates}
        read = {"commits": self._commits, "window": ", ".join(self._windows), "suite_met": self._verdict == "met"}
        read["verdict"] = self._verdict
        return {**rows, **read, **self._about}

    def _key(self, what: str) -> str:
        return artifact_key(self._name, what)

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
        rows |= {"duplicates": a.duplicates}
        rows |= {"duplicates with other content": self._collisions.rows} if self._collisions else {}
        rows |= {"files": self._files}
        rows |= {"claims held": len(self._held)} if self._held else {}
        return [{"account": name, "rows": f"{count:,}"} for name, count in rows.items()]

    def _validation(self) -> str:
        command = f"datastream quarantine show {self._name}" if self._samples else ""
        samples = [
            {name: ", ".join(filter(None, row.pop(name) or [])) for name in (RULES, OBSERVED)} | row
            for row in map(dict, self._samples)
        ]
        notes = [self._collisions.told(self._stream)] if self._collisions else []
        if self._held:
            command = f"datastream quarantine list {self._name} --held"
            notes.append(f"Held as a whole, until somebody releases or rejects it: {', '.join(self._held)}.")
        return markdown(self._tally, samples, command, note=" ".join(notes))

    def _percent(self, header: Header) -> float:
        """Return how much of the window is read, as far as its paginator knows."""
        match header.offsets:
            case {"position": {"page": int(page), "total": int(total)}} if total:
                return 100.0 * (page - 1) / total
            case {"position": _}:
                return 0.0
        return 100.0


class SlicesReport(Report):
    """The report of one run of a backfill, which has one title and many lanes. The percentage is that of all runs."""

    def __init__(
        self, stream: Stream, suite: Suite, lake: str, clock: Clock, showing: Showing, slices: Slices | None, title: str
    ) -> None:
        super().__init__(stream, suite, lake, clock, showing)
        self.title, self._slices, self._windows = title, slices, [title]
        _name_the_run(showing, title)

    @contextmanager
    def draining(self, lane: Lane) -> Iterator[None]:
        """Drain one slice. One that fails does not hinder the next ones."""
        try:
            with self._going_on(lane):
                yield
        finally:
            self._tell_apart(lane)

    def _percent(self, header: Header) -> float:  # noqa: ARG002 - that of one slice says little
        return 100.0 * sum(one.done for one in self._slices.seen) / len(self._slices) if self._slices else 100.0


def _name_the_run(showing: Showing, name: str) -> None:
    showing.briefly(lambda client: client.update_flow_run(flow_run.id, name=name))
