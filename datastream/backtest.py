"""Tries a suite on what was claimed before: what would it have rejected, by rule and by day?

Each commit is judged as its claim was, with the rows it set aside behind those it loaded. Rows that never came to a
check, because they did not fit their schema or the transform, are left out, and so is what was replayed since. Nothing
on the lake is changed.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datastream.catalog import Stream
from datastream.fates import verdict_of
from datastream.lake import layout, reader
from datastream.lake.manifest import DataFile
from datastream.lake.rewrite import Whereabouts
from datastream.lake.store import Store
from datastream.lookback import as_today, columns_of
from datastream.quality import Suite, Verdict
from datastream.records import OBSERVED, OWN_COLUMNS, RAW, RULES, SUITE

_ABOUT_QUARANTINE = (RULES, OBSERVED, SUITE, RAW)


class Case(msgspec.Struct, frozen=True):
    """One commit."""

    commit: str
    at: datetime
    loaded: list[DataFile]
    set_aside: list[DataFile]


class Backtest(msgspec.Struct, frozen=True, eq=False):
    """A suite, and the commits that it is tried on, oldest first."""

    stream: Stream
    suite: Suite
    store: Store
    cases: list[Case]
    columns: dict[str, pa.DataType]
    """Those of the newest commit: what the suite may ask for."""

    def rows(self, case: Case) -> tuple[pa.Table, np.ndarray]:
        """Return the rows of a claim that were checked, as today's suite sees them, and which were set aside then."""
        rows, was_bad = _rows(self.store, case)
        return as_today(rows, self.columns), was_bad

    def judge(self, case: Case) -> "Judged":
        """Ask the suite about the rows of one commit. Raises FileBroken; a suite that cannot answer raises too."""
        rows, was_bad = self.rows(case)
        verdict = verdict_of(rows, self.suite, self.stream) if len(was_bad) else Verdict(0, ())
        stops = verdict.table_failures(self._severities("quarantine"))
        holds = [o for o in verdict.expectations if not o.success and o.rule.severity in self._severities("hold")]
        bad = np.full(len(was_bad), bool(holds))
        bad[verdict.bad_rows_for(self._severities("quarantine"))] = True
        return Judged(
            case.at.date(), len(was_bad), bad, was_bad, verdict,
            whole=f"{case.commit}: {', '.join(o.rule.label for o in (*stops, *holds))}" if stops or holds else None,
        )  # fmt: skip

    def _severities(self, action: str) -> set[str]:
        return {rule.severity for rule in self.suite.rules if self.stream.action(rule.severity) == action}


class Judged(msgspec.Struct, frozen=True, eq=False):
    """What the suite says of one commit, beside what became of its rows."""

    day: date
    rows: int
    bad: np.ndarray
    was_bad: np.ndarray
    verdict: Verdict
    whole: str | None = None
    """The commit and the rules for which it would have been stopped or held as a whole."""


class Sums:
    """What would have been rejected, added up; and what was."""

    def __init__(self, backtest: Backtest) -> None:
        self._name, self._suite = backtest.stream.name, backtest.suite
        self.days: dict[date, Counter[str]] = {}
        self.rules: tuple[Counter[date], ...] = tuple(Counter() for _ in backtest.suite.rules)
        self.new_by_rule: Counter[int] = Counter()
        self.wholes: list[str] = []

    def add(self, judged: Judged) -> None:
        """Count one commit in."""
        new, no_more = judged.bad & ~judged.was_bad, judged.was_bad & ~judged.bad
        day = self.days.setdefault(judged.day, Counter())
        day.update({
            "commits": 1, "rows": judged.rows, "rejected": int(judged.bad.sum()), "were": int(judged.was_bad.sum()),
            "new": int(new.sum()), "no_more": int(no_more.sum()),
        })  # fmt: skip
        for outcome in judged.verdict.expectations:
            number, rows = outcome.rule.number, outcome.set_aside
            if rows:
                self.rules[number][judged.day] += len(rows)
                self.new_by_rule[number] += int(new[rows].sum())
        if judged.whole:
            self.wholes.append(judged.whole)

    @property
    def total(self) -> Counter[str]:
        """The sums of all days."""
        return sum(self.days.values(), Counter[str]())

    def as_dict(self) -> dict[str, Any]:
        """Return the sums as JSON-able values."""
        return {
            "stream": self._name, "suite": self._suite.name, "suite_version": self._suite.version,
            **{name: self.total[name] for name in ("commits", "rows", "rejected", "were", "new", "no_more")},
            "days": [{"day": str(day), **dict(sums)} for day, sums in sorted(self.days.items())],
            "rules": [
                {"rule": rule.label, "severity": rule.severity, "rows": by_day.total(),
                 "new": self.new_by_rule[rule.number],
                 "days": {str(day): rows for day, rows in sorted(by_day.items())}}
                for rule, by_day in zip(self._suite.rules, self.rules, strict=True)
            ],
            "stopped_or_held": self.wholes,
        }  # fmt: skip

    def __str__(self) -> str:
        total = self.total
        if not total["rows"]:
            return f"No row of {self._name!r} was claimed in that time: there is nothing to try the suite on."
        whole = f" {len(self.wholes):,} commits would have been stopped or held as a whole." if self.wholes else ""
        return (
            f"Of {total['rows']:,} rows in {total['commits']:,} commits, suite {self._suite.name!r} (version "
            f"{self._suite.version}) would have rejected {total['rejected']:,}; {total['were']:,} were. "
            f"{total['new']:,} would be new, {total['no_more']:,} would be rejected no more.{whole}"
        )


def backtest(stream: Stream, suite: Suite, store: Store, moment: datetime | None) -> Backtest:
    """Find the commits since a moment, by the time of their decisions; None stands for all time."""
    cases: list[Case] = []
    columns: dict[str, pa.DataType] = {}
    where = Whereabouts(store, stream.name)
    for commit in reader.counting_since(store, stream.name, moment):
        if commit.header.lane == layout.REPLAY:
            continue
        loaded = where.of(commit.files)
        aside = where.of([commit.quarantine]) if commit.quarantine else []
        if loaded and not columns:
            columns = columns_of(store, commit, loaded)
        if loaded or aside:
            cases.append(Case(str(commit), commit.header.decided_at, loaded, aside))
    return Backtest(stream, suite, store, cases[::-1], columns)


def _rows(store: Store, case: Case) -> tuple[pa.Table, np.ndarray]:
    """Return the rows of a claim that were checked, and which of them were set aside then."""
    parts = list(_parts(store, case))
    rows = pa.concat_tables([part for part, _ in parts], promote_options="permissive")
    was_bad = np.concatenate([np.full(part.num_rows, bad) for part, bad in parts])
    return rows, was_bad


def _parts(store: Store, case: Case) -> Iterator[tuple[pa.Table, bool]]:
    if case.loaded:
        yield reader.committed_rows(store, case.commit, case.loaded), False
    if case.set_aside:
        aside = reader.committed_rows(store, case.commit, case.set_aside)
        yield _checked(aside).drop_columns([name for name in _ABOUT_QUARANTINE if name in aside.column_names]), True


def _checked(aside: pa.Table) -> pa.Table:
    """Return the rows that came to a check: one that did not has no value but our own."""
    there = pa.chunked_array([pa.array([False] * aside.num_rows)])
    for name in set(aside.column_names) - OWN_COLUMNS:
        there = pc.or_(there, pc.is_valid(aside[name]))
    return aside.filter(there)
