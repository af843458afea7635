"""Small plans for tests of the log."""

import secrets
from datetime import UTC, datetime

import pyarrow as pa

from datastream.lake import layout
from datastream.lake.encoding import DecidedFile, Decision, planned
from datastream.lake.manifest import CursorRange, Header, Versions
from datastream.lake.plan import Plan
from datastream.records import RAW, RECORD_ID, RULES, Accounts


def plan_of(loaded: list[str], bad: list[str] | None = None, seq: int = 1, cursor: CursorRange | None = None) -> Plan:
    """Return a plan that loads and sets aside records of these ids."""
    bad = bad or []
    header = Header(
        stream="orders", lane="0", seq=seq, decision=secrets.token_hex(8), run="r",
        decided_at=datetime(2026, 1, 1, tzinfo=UTC), offsets={}, schema={}, identity={}, rules=[], set_aside={},
        accounts=Accounts(read=len(loaded) + len(bad), loaded=len(loaded), quarantined=len(bad)),
        versions=Versions(stream="1", suite="1", transform="1"),
    )  # fmt: skip
    key = layout.data_file("orders", "", "0", seq, 0)
    aside = layout.quarantine_file("orders", "0", seq)
    set_aside = pa.table({
        RECORD_ID: pa.array(bad, pa.string()),
        RULES: pa.array([["rule"]] * len(bad), pa.list_(pa.string())),
        RAW: pa.array([f'{{"id": "{name}"}}' for name in bad], pa.string()),
    })  # fmt: skip
    return planned(
        Decision(
            header=header,
            files=[DecidedFile(key=key, rows=len(loaded), cursor=cursor)] if loaded else [],
            loaded=pa.table({RECORD_ID: pa.array(loaded, pa.string())}),
            quarantine=DecidedFile(key=aside, rows=len(bad), cursor=cursor) if bad else None,
            set_aside=set_aside,
        )
    )
