"""Streams whose lake is kept up in tests: commits of a few rows, day after day."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import pyarrow as pa

from datastream.catalog import Compact, Retention
from datastream.lake import encoding, layout, upkeep, writer
from datastream.lake.encoding import DecidedFile, Decision
from datastream.lake.log import Log
from datastream.lake.manifest import Manifest
from datastream.lake.plan import Plan
from datastream.lake.rewrite import Rewrite
from datastream.lake.schemas import Schema, create, newest
from datastream.lake.store import Store
from datastream.lake.upkeep import SweepPolicy, Swept
from datastream.lake.verify import verify
from datastream.records import COMMIT, RAW, RECEIVED_AT, RECEIVED_TYPE, RECORD_ID, RULES, Accounts
from tests.lake.plans import plan_of

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LATER = BEGUN + 365 * DAY
EVERYTHING = Compact(after=timedelta())


@dataclass
class Kept:
    """One stream without partitions, or with one folder a commit."""

    store: Store
    made: list[Manifest] = field(default_factory=list)

    def commit(
        self, ids: range, bad: range = range(0), *, lane: str = "0", at: datetime | None = None,
        partition: str = "", **columns: pa.Array,
    ) -> Manifest:  # fmt: skip
        """Commit rows with these ids in one file, and set others aside."""
        log = Log(self.store, "orders", lane)
        newest = log.newest()
        plan = planned(ids, bad, newest.header.seq + 1 if newest else 1, lane, at or self.next_day, partition, columns)
        log.decide(plan)
        made = log.commit(writer.write(self.store, plan))
        log.settle(plan.header.seq)
        self.made.append(made)
        return made

    def agree(self, **columns: str) -> None:
        """Have the stream's lanes agree on these columns, beside those that every commit has."""
        version = newest(self.store, "orders").version + 1
        create(self.store, "orders", Schema(version=version, columns={"id": "int53", "name": "string", **columns}))

    @property
    def next_day(self) -> datetime:
        return BEGUN + len(self.made) * DAY

    def compact(self, policy: Compact = EVERYTHING, now: datetime = LATER, **retention: timedelta) -> list[Rewrite]:
        return upkeep.compact(self.store, "orders", policy, Retention(**retention), now, "r")

    def expire(self, now: datetime = LATER, **retention: timedelta) -> Rewrite | None:
        return upkeep.expire(self.store, "orders", Retention(**retention), now, "r")

    def forget(self, now: datetime = LATER, **key: str) -> Rewrite | None:
        return upkeep.forget(self.store, "orders", key, now, "r")

    def sweep(self, now: datetime = LATER + 2 * DAY, policy: SweepPolicy | None = None) -> Swept:
        return upkeep.sweep(self.store, "orders", now, "r", policy)

    @property
    def problems(self) -> list[str]:
        return verify(self.store, "orders").problems

    def parquet(self) -> list[str]:
        return sorted(key for key in self.store.keys("") if key.endswith(".parquet"))


def planned(
    ids: range, bad: range, seq: int, lane: str, at: datetime, partition: str, columns: dict[str, pa.Array]
) -> Plan:
    """Return a plan whose rows have the columns `id` and `name`, and those given."""
    plan = plan_of([f"r{n}" for n in ids], [f"r{n}" for n in bad], seq, cursor=_cursor([*ids, *bad]))
    accounts = Accounts(read=len(ids) + len(bad), loaded=len(ids), quarantined=len(bad))
    header = msgspec.structs.replace(
        plan.header, lane=lane, decided_at=at, accounts=accounts, set_aside={"rule": len(bad)} if bad else {},
        identity={"key": ["id"], "cursor": "id", "cursor_kind": "int"},
    )  # fmt: skip
    numbers = [*ids, *bad]
    rows = pa.table({
        "id": pa.array(numbers, pa.int64()),
        "name": [f"name {n}" for n in numbers],
        **columns,
        RECORD_ID: [f"r{n}" for n in numbers],
        RECEIVED_AT: pa.array([at] * len(numbers), RECEIVED_TYPE),
        COMMIT: [layout.commit_name(lane, seq)] * len(numbers),
    })  # fmt: skip
    raw = pa.array([f'{{"id": {n}, "name": "name {n}"}}' for n in bad], pa.string())
    rules = pa.array([["rule"]] * len(bad), pa.list_(pa.string()))
    data = DecidedFile(key=layout.data_file("orders", partition, lane, seq, 0), rows=len(ids), cursor=_cursor([*ids]))
    aside = DecidedFile(key=layout.quarantine_file("orders", lane, seq), rows=len(bad), cursor=_cursor([*bad]))
    decision = Decision(
        header=header, files=[data] if ids else [], loaded=rows.slice(0, len(ids)),
        quarantine=aside if bad else None,
        set_aside=rows.slice(len(ids)).append_column(RULES, rules).append_column(RAW, raw),
    )  # fmt: skip
    return encoding.planned(decision)


def _cursor(numbers: list[int]) -> tuple[int, int] | None:
    return (min(numbers), max(numbers)) if numbers else None
