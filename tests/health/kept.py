"""A stream whose commits are made without its source, and looked at by a clock of the test's own."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from datastream.catalog import Stream
from datastream.clock import ManualClock
from datastream.events.memory import MemoryBus
from datastream.health.known import known
from datastream.health.ledger import Ledger, Told, open_ledger
from datastream.health.looking import check_stream
from datastream.health.state import State
from datastream.lake import layout, writer
from datastream.lake.encoding import DecidedFile, Decision, planned
from datastream.lake.log import Log
from datastream.lake.manifest import Header, Manifest, RuleResult, Snapshot, Versions
from datastream.lake.store import MemoryStore, Store
from datastream.quality.check import Check
from datastream.quality.incidents import Change
from datastream.records import COMMIT, RECORD_ID, Accounts
from tests.conftest import stream_of
from tests.quality.weeks import MONDAY

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def commit(
    store: Store, at: datetime, rows: pa.Table | int, *, stream: str = "orders", lane: str = "0", aside: int = 0,
    duplicates: int = 0, snapshot: Snapshot | None = None, rules: tuple[RuleResult, ...] = (), replayed: bool = False,
) -> Manifest:  # fmt: skip
    """Commit rows as the next claim of a lane; so many were set aside besides, without a file of them."""
    table = pa.table({"id": range(rows)}) if isinstance(rows, int) else rows
    log = Log(store, stream, lane)
    index, _ = log.opened()
    seq = index.seq + 1
    name, count = layout.commit_name(lane, seq), table.num_rows
    table = table.append_column(RECORD_ID, pa.array([f"{name}-{n}" for n in range(count)], pa.string()))
    table = table.append_column(COMMIT, pa.array([name] * count, pa.string()))
    accounts = Accounts(
        read=0 if replayed else count + aside + duplicates, loaded=count, quarantined=aside, duplicates=duplicates
    )  # fmt: skip
    header = Header(
        stream=stream, lane=lane, seq=seq, decision=secrets.token_hex(8), run="r", decided_at=at, accounts=accounts,
        offsets={}, schema={}, identity={"cursor_kind": "datetime"},
        versions=Versions(stream="", suite="", transform=""),
        rules=list(rules), set_aside={}, snapshot=snapshot,
    )  # fmt: skip
    text = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    file = DecidedFile(key=layout.data_file(stream, "", lane, seq, 0), rows=count, cursor=(text, text))
    plan = planned(
        Decision(
            header=header, files=[file] if count else [], loaded=table, quarantine=None, set_aside=table.slice(count)
        )
    )
    made = log.commit(writer.write(store, plan))
    log.keep(index.add(made))
    return made


@dataclass
class Kept:
    """A stream, its lake, and who is told."""

    store: Store = field(default_factory=MemoryStore)
    clock: ManualClock = field(default_factory=lambda: ManualClock(MONDAY))
    bus: MemoryBus = field(default_factory=MemoryBus)
    alerts: Any = None
    stream: Stream = field(default_factory=stream_of)
    changes: list[Change] = field(default_factory=list)

    def expect(self, **quality: Any) -> None:
        """Change what the stream's file says under `quality`."""
        self.stream = stream_of(quality=quality, **({"load": self.stream.load} if self.stream.load != "append" else {}))

    def load(self, rows: pa.Table | int = 10, after: timedelta = HOUR, **of: Any) -> Manifest:
        """Let time pass, and commit."""
        self.clock.advance(after)
        return commit(self.store, self.clock.now(), rows, **of)

    def check(self, run: str = "r", **of: Any) -> dict[str, Check]:
        """Run the checks, and return what they say by name."""
        told = Told(self.bus, self.alerts)
        checks, self.changes = check_stream(self.stream, self.store, run=run, told=told, clock=self.clock, **of)
        return {check.name: check for check in checks}

    def ledger(self) -> Any:
        """Open the lane as a command does."""
        return open_ledger(self.stream, self.store, run="r", told=Told(self.bus, self.alerts), clock=self.clock)

    @property
    def state(self) -> State:
        """What is known."""
        found = known(self.store, self.stream.name)
        assert found is not None
        return found[0]

    @property
    def open(self) -> list[str]:
        """The open incidents."""
        return [incident.id for incident in self.state.incidents.open]

    @property
    def told(self) -> list[tuple[str, str]]:
        """The ids and routing keys of what was announced, in order."""
        return [(event.id, event.routing_key) for event in self.bus.published]


__all__ = ["DAY", "HOUR", "Kept", "Ledger", "commit"]
