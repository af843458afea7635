"""The table `_quality`: a row a result, and the commit that holds a run's rows and what is known from then on."""

import secrets
from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from datastream.catalog import Stream
from datastream.catalog.types import text_of
from datastream.health.state import State
from datastream.lake import layout
from datastream.lake.encoding import DecidedFile, Decision
from datastream.lake.manifest import Header, Versions
from datastream.quality.check import Check
from datastream.records import COMMIT, RECEIVED_AT, RECEIVED_TYPE, RECORD_ID, Accounts

COLUMNS = {
    "stream": pa.string(),
    "checked_at": RECEIVED_TYPE,
    "run": pa.string(),
    "check_name": pa.string(),
    "subject": pa.string(),
    "result": pa.string(),
    "severity": pa.string(),
    "observed": pa.float64(),
    "low": pa.float64(),
    "high": pa.float64(),
    "told": pa.string(),
    "incident": pa.string(),
}
DESCRIBED = {name: text_of(kind) for name, kind in COLUMNS.items()}
_IDENTITY = {"key": ["stream", "check_name", "subject"], "cursor": "checked_at", "cursor_kind": "datetime"}


def decision(stream: Stream, seq: int, run: str, now: datetime, checks: Sequence[Check], state: State) -> Decision:
    """Return the commit of what a run said; of none, where only the state is another."""
    name = layout.commit_name(stream.name, seq)
    table = _rows(stream.name, run, now, checks)
    count = table.num_rows
    table = (
        table.append_column(RECORD_ID, pa.array([f"{name}-{n:04}" for n in range(count)], pa.string()))
        .append_column(RECEIVED_AT, table["checked_at"])
        .append_column(COMMIT, pa.array([name] * count, pa.string()))
    )
    header = Header(
        stream=layout.QUALITY, lane=stream.name, seq=seq, decision=secrets.token_hex(8), run=run, decided_at=now,
        accounts=Accounts(read=count, loaded=count), offsets=state.offsets, schema={}, columns=DESCRIBED,
        identity=_IDENTITY, versions=Versions(stream=stream.version, suite="", transform=""), rules=[], set_aside={},
    )  # fmt: skip
    key = layout.data_file(layout.QUALITY, "", stream.name, seq, 0)
    files = [DecidedFile(key=key, rows=count, cursor=None)] if count else []
    return Decision(header=header, files=files, loaded=table, quarantine=None, set_aside=table.slice(count))


def _rows(stream: str, run: str, now: datetime, checks: Sequence[Check]) -> pa.Table:
    rows = [
        {
            "stream": stream,
            "checked_at": now,
            "run": run,
            "check_name": check.check,
            "subject": check.subject,
            "result": check.result,
            "severity": check.severity or None,
            "observed": None if check.value is None else float(check.value),
            "low": check.low,
            "high": check.high,
            "told": check.observed + (f" (expected: {check.expected})" if check.expected else ""),
            "incident": check.incident or None,
        }
        for check in checks
    ]
    return pa.Table.from_pylist(rows, pa.schema([*COLUMNS.items()]))
