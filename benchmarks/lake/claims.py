"""Claims of flights that are ready to be decided, each with record ids of its own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
import pyarrow as pa

from datastream.catalog import Stream
from datastream.claim import Batch, Claim
from datastream.lake.index import Index, Span
from datastream.quality import Verdict
from datastream.records import RECEIVED_TYPE, RECORD_ID
from datastream.sources.rows import parse
from deployments.demo.flights import load

ROWS = 50_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)
STREAM = Stream.model_validate({
    "name": "flights",
    "source": {"kind": "webhook", "block": {"secrets": ["whsec_" + "c2VjcmV0IG9mIGEgYmVuY2htYXJrLCAyOCBieXRlcw=="]}},
    "suite": "flights",
    "batch": {"size": 1000, "per_commit": 50},
})  # fmt: skip


class NoIntake:
    """An intake from which nothing more comes."""

    def claims(
        self, offsets: Mapping[str, Any], schema: Mapping[str, str], stopped: Callable[[], bool]
    ) -> Iterator[Claim]:
        """Yield nothing."""
        del offsets, schema, stopped
        yield from ()

    def may_repeat(self, span: Span, claim: Claim) -> bool:
        """Tell that nothing comes twice."""
        del span, claim
        return False

    def may_lie_elsewhere(self, index: Index, claim: Claim) -> bool:
        """Tell that nothing does."""
        del index, claim
        return False

    def ids_by(self, identity: Mapping[str, Any], claim: Claim) -> Sequence[str | None]:
        """Return the claim's own ids."""
        del identity
        return claim.ids

    def settle(self, offsets: Mapping[str, Any]) -> None:
        """Keep nothing, so forget nothing."""

    def label(self, offsets: Mapping[str, Any]) -> str:
        """Return what is read."""
        del offsets
        return "a benchmark"


@cache
def flights(rows: int) -> tuple[pa.Table, list[msgspec.Raw], dict[str, str]]:
    """Return the first flights as a table and as they came."""
    text = load().page(None, 1, rows).text
    records = msgspec.json.decode(b"[" + text + b"]", type=list[msgspec.Raw])
    parsed = parse(records, {})
    return parsed.table, records, parsed.schema


def batch(number: int, rows: int = ROWS) -> Batch:
    """Return the claim of a number, checked up to the suite."""
    table, records, schema = flights(rows)
    ids = [f"{number:08x}{at:024x}" for at in range(rows)]
    claim = Claim(
        records=records, table=table, positions=range(rows), ids=ids, refused={}, cursor=pa.nulls(rows, pa.string()),
        schema=schema, offsets={"epoch": "one", "position": f"{number}-0"},
        received_at=pa.repeat(pa.scalar(NOW, RECEIVED_TYPE), rows), taken_at=NOW,
    )  # fmt: skip
    return Batch(claim, table.append_column(RECORD_ID, pa.array(ids)), range(rows), {}, 0)


def met(rows: int) -> Verdict:
    """Return the verdict of a suite that says nothing."""
    return Verdict(rows=rows, expectations=())
