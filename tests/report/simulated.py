"""A stream whose commits are made without its source, by a clock of whoever asks, and its quality page."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from datastream.catalog import Stream
from datastream.clock import ManualClock
from datastream.health.looking import check_stream
from datastream.lake import layout, writer
from datastream.lake.encoding import DecidedFile, Decision, planned
from datastream.lake.log import Log
from datastream.lake.manifest import Header, Manifest, RuleResult, Versions
from datastream.lake.store import MemoryStore, Store
from datastream.records import COMMIT, OBSERVED, RAW, RECEIVED_AT, RECEIVED_TYPE, RECORD_ID, RULES, SUITE, Accounts
from datastream.report.writing import write
from tests.conftest import stream_of

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
RUN = "0c1c2f6e-0000-4000-8000-00000000000{}"
Row = Mapping[str, Any]


def commit(
    store: Store, at: datetime, rows: int, *, stream: str = "orders", lane: str = "0", aside: Sequence[Row] = (),
    rules: Sequence[RuleResult] = (), held: Sequence[str] = (), duplicates: int = 0, replayed: int = 0,
    offsets: Mapping[str, Any] | None = None, run: str = RUN.format(1),
) -> Manifest:  # fmt: skip
    """Commit so many rows as the next claim of a lane, and set others aside: each with `_rules` and `_observed`."""
    log = Log(store, stream, lane)
    index, _ = log.opened()
    seq = index.seq + 1
    name = layout.commit_name(lane, seq)
    loaded, bad = _own(pa.table({"id": range(rows)}), name, "", at), _aside(aside, name, at)
    by_rule = {rule: sum(rule in row[RULES] for row in aside) for row in aside for rule in row[RULES]}
    header = Header(
        stream=stream, lane=lane, seq=seq, decision=secrets.token_hex(8), run=run, decided_at=at,
        accounts=Accounts(
            read=0 if replayed else rows + len(aside) + duplicates, loaded=0 if replayed else rows,
            quarantined=len(aside), duplicates=duplicates, replayed=replayed,
        ),
        offsets=dict(offsets or {}), schema={}, identity={}, versions=Versions(stream="", suite="", transform=""),
        rules=list(rules), set_aside=by_rule, held=list(held),
    )  # fmt: skip
    files = [DecidedFile(key=layout.data_file(stream, "", lane, seq, 0), rows=rows, cursor=None)] if rows else []
    quarantine = DecidedFile(key=layout.quarantine_file(stream, lane, seq), rows=len(aside), cursor=None)
    plan = planned(
        Decision(header=header, files=files, loaded=loaded, quarantine=quarantine if aside else None, set_aside=bad)
    )
    made = log.commit(writer.write(store, plan))
    log.keep(index.add(made))
    return made


def bad(rule: str, observed: Any = None, **columns: Any) -> dict[str, Any]:
    """Return a row that is set aside, of these columns."""
    raw = columns.pop(RAW, json.dumps(columns, default=str))
    return {**columns, RULES: [rule], OBSERVED: [None if observed is None else json.dumps(observed)], RAW: raw}


def _own(rows: pa.Table, name: str, mark: str, at: datetime) -> pa.Table:
    count = rows.num_rows
    rows = rows.append_column(RECORD_ID, pa.array([f"{name}{mark}-{n}" for n in range(count)], pa.string()))
    rows = rows.append_column(RECEIVED_AT, pa.array([at] * count, RECEIVED_TYPE))
    return rows.append_column(COMMIT, pa.array([name] * count, pa.string()))


def _aside(rows: Sequence[Row], name: str, at: datetime) -> pa.Table:
    texts = pa.list_(pa.string())
    columns = {name for row in rows for name in row} - {RULES, OBSERVED, RAW}
    table = pa.table({name: pa.array([row.get(name) for row in rows]) for name in sorted(columns)})
    if not columns:
        table = pa.table({"id": pa.nulls(len(rows), pa.int64())})
    table = table.append_column(RULES, pa.array([row[RULES] for row in rows], texts))
    table = table.append_column(OBSERVED, pa.array([row[OBSERVED] for row in rows], texts))
    table = table.append_column(SUITE, pa.array(["1"] * len(rows), pa.string()))
    return _own(table.append_column(RAW, pa.array([row[RAW] for row in rows], pa.string())), name, "-aside", at)


@dataclass
class Paged:
    """A stream, its lake, and its clock."""

    stream: Stream = field(default_factory=stream_of)
    store: Store = field(default_factory=MemoryStore)
    clock: ManualClock = field(default_factory=lambda: ManualClock(BEGIN))

    def load(self, rows: int = 100, after: timedelta = HOUR, **of: Any) -> Manifest:
        """Let time pass, and commit."""
        self.clock.advance(after)
        return commit(self.store, self.clock.now(), rows, stream=self.stream.name, **of)

    def check(self, run: str = RUN.format(9)) -> None:
        """Run the checks."""
        check_stream(self.stream, self.store, run=run, clock=self.clock)

    def page(self, runs_at: str | None = None) -> str:
        """Write the page, and return it."""
        write(self.store, {self.stream.name: self.stream}, runs_at)
        return (self.store.read(layout.PAGE) or b"").decode()

    def checked_page(self) -> str:
        """Do both."""
        self.check()
        return self.page()
