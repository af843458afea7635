"""Looks back: holds what is committed against today's suite. Nothing on the lake is changed.

The commit is the piece that is judged, as its claim was: no more rows are in memory than the stream lets a commit hold,
and what an expectation says of the data as a whole (a row count, `unique`, `mostly`) it says of each commit. A column
that came later is null in the commits before it, as it is in SQL.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from datastream.catalog import Stream
from datastream.errors import Permanent
from datastream.fates import verdict_of
from datastream.lake import reader
from datastream.lake.manifest import DataFile, Manifest
from datastream.lake.rewrite import Whereabouts
from datastream.lake.store import Store
from datastream.masking import Mask
from datastream.quality import Suite, Tally, Verdict
from datastream.records import COMMIT, RECEIVED_AT, RECORD_ID, RULES

EVERYTHING = "all"
_SAMPLES = 10
_duration = TypeAdapter(timedelta)


class WindowWrong(Permanent):
    """It is not said for how long to look back."""


class Piece(msgspec.Struct, frozen=True):
    """The rows that one commit loaded."""

    commit: str
    files: list[DataFile]
    """Where they are today; other commits' rows may lie there too."""
    rows: int
    """How many, by the log; some may have been forgotten since."""


class Lookback(msgspec.Struct, frozen=True, eq=False):
    """What is looked back at, oldest first, and what it is held against."""

    stream: Stream
    suite: Suite
    store: Store
    since: datetime | None
    pieces: list[Piece]
    columns: dict[str, pa.DataType]
    """Those of the newest commit: what today's suite may ask for."""

    @property
    def strict(self) -> set[str]:
        """The severities that set rows aside."""
        return {rule.severity for rule in self.suite.rules if self.stream.action(rule.severity) == "quarantine"}


class Judgement(msgspec.Struct, frozen=True, eq=False):
    """What the suite says of one piece: how many rows it would set aside today, and some of them."""

    piece: Piece
    verdict: Verdict
    set_aside: int
    samples: list[dict[str, Any]]


class Findings:
    """What was found so far. It adds up sums and keeps ten rows."""

    def __init__(self, lookback: Lookback) -> None:
        self._lookback = lookback
        self.tally = Tally(lookback.suite)
        self.set_aside = 0
        self.samples: list[dict[str, Any]] = []

    def add(self, judgement: Judgement) -> None:
        """Count one piece in."""
        self.tally.add(judgement.verdict)
        self.set_aside += judgement.set_aside
        self.samples += judgement.samples[: _SAMPLES - len(self.samples)]

    @property
    def broken(self) -> list[str]:
        """The rules that are not met and would set rows aside, each with how many rows or commits break it."""
        strict = self._lookback.strict
        lines = [line for line in self.tally.rules if line.rule.severity in strict]
        by_row = [f"{line.rule.label} ({_count(line.failing, 'row')})" for line in lines if line.failing]
        return by_row + [
            f"{line.rule.label} (as a whole in {_count(line.failed_tables, 'commit')})"
            for line in lines
            if line.failed_tables
        ]

    def __str__(self) -> str:
        stream, suite = self._lookback.stream, self._lookback.suite
        if not self.tally.claims:
            since = f" since {self._lookback.since:%Y-%m-%dT%H:%M:%SZ}" if self._lookback.since else ""
            return f"No row of {stream.name!r} was committed{since}: there is nothing to check."
        held = f"Suite {suite.name!r} (version {suite.version})"
        seen = f"{_count(self.tally.rows, 'row')} of {_count(self.tally.claims, 'commit')}"
        if not self.broken:
            warned = f"; {_count(self.tally.bad_rows, 'row')} would be warned of" if self.tally.bad_rows else ""
            return f"{held} is met by {seen}{warned}."
        return (
            f"{held} is not met by {seen}: {', '.join(self.broken)}. It would set {_count(self.set_aside, 'row')} "
            f"aside today; what is committed stays as it is. Correct the rule in expectations/{suite.name}.json if it "
            f"is wrong; else leave these rows out where {stream.name!r} is read."
        )


def since(window: str, now: datetime) -> datetime | None:
    """Return the moment that lies `window` before now; None stands for all time. Raises WindowWrong."""
    if window == EVERYTHING:
        return None
    try:
        duration = _duration.validate_python(window)
        if duration > timedelta():
            return now - duration
    except (ValidationError, OverflowError):
        pass
    raise WindowWrong(
        f"window is {window!r}, which is no time to look back for. Write a duration of ISO 8601, such as P1D, PT6H or "
        f"P4W, or {EVERYTHING!r}."
    )


def look_back(stream: Stream, suite: Suite, store: Store, moment: datetime | None) -> Lookback:
    """Find what was loaded since a moment, by the time of each commit's decision; None stands for everything."""
    pieces: list[Piece] = []
    columns: dict[str, pa.DataType] = {}
    where = Whereabouts(store, stream.name)
    for commit in reader.counting_since(store, stream.name, moment):
        files = where.of(commit.files)  # none, if all of its rows have expired
        if files:
            columns = columns or columns_of(store, commit, files)
            pieces.append(Piece(str(commit), files, commit.header.accounts.landed))
    return Lookback(stream, suite, store, moment, pieces[::-1], columns)


def judge(lookback: Lookback, piece: Piece) -> Judgement:
    """Ask today's suite about every row of a piece. Raises FileBroken; a suite that cannot answer raises too."""
    rows = reader.committed_rows(lookback.store, piece.commit, piece.files)
    if not rows.num_rows:  # all of them were forgotten
        return Judgement(piece, Verdict(rows=0, expectations=()), 0, [])
    verdict = verdict_of(as_today(rows, lookback.columns), lookback.suite, lookback.stream)
    bad = verdict.bad_rows_for(lookback.strict)
    return Judgement(piece, verdict, len(bad), _samples(rows, verdict, bad[:_SAMPLES], lookback.stream.mask))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def columns_of(store: Store, commit: Manifest, files: list[DataFile]) -> dict[str, pa.DataType]:
    """Return the columns of a commit's table; one that never had a value has no type and is in no file."""
    typed = {field.name: field.type for field in reader.committed_schema(store, str(commit), files)}
    return {**{name: pa.null() for name, kind in commit.header.schema.items() if kind == "null"}, **typed}


def as_today(rows: pa.Table, columns: dict[str, pa.DataType]) -> pa.Table:
    """Return what the suite was asked about when the rows were loaded, with the columns of today."""
    table = rows.drop_columns([RECEIVED_AT, COMMIT])
    for name, kind in columns.items():
        if name not in rows.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows, kind))
    return table


def _samples(rows: pa.Table, verdict: Verdict, bad: list[int], mask: Mask) -> list[dict[str, Any]]:
    """Return rows with the rules they break and where they stand, then as they are."""
    broken = verdict.reasons_by_row()
    found = list(map(mask.row, rows.take(pa.array(bad, pa.int64())).drop_columns([RECEIVED_AT]).to_pylist()))
    return [
        {RULES: ", ".join(broken[at]), COMMIT: row.pop(COMMIT), RECORD_ID: row.pop(RECORD_ID), **row}
        for at, row in zip(bad, found, strict=True)
    ]
