"""Makes the quarantine's rows of a claim: each as it was received, with every rule it broke and what was seen of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa

from datastream.claim import Batch
from datastream.fates import Reason
from datastream.records import COMMIT, OBSERVED, RAW, RECEIVED_AT, RECORD_ID, RULES, SUITE


class Aside(NamedTuple):
    """What a claim sets aside."""

    rows: pa.Table
    places: list[int]
    """Where in the claim they stand."""
    counts: dict[str, int]
    """Rows by rule."""


def set_aside(batch: Batch, table: pa.Table, reasons: Mapping[int, Sequence[Reason]], suite: str, commit: str) -> Aside:
    """Return the rows of a checked batch that are set aside, and what was set aside before the check."""
    claim, bad = batch.claim, sorted(reasons)
    checked = table.take(pa.array(bad, pa.int64()))
    refused = pa.table({
        RECORD_ID: pa.array([claim.ids[at] for at in batch.refused], pa.string()),
        RECEIVED_AT: claim.received_at.take(pa.array(list(batch.refused), pa.int64())),
        COMMIT: pa.array([commit] * len(batch.refused), pa.string()),
    })  # fmt: skip
    why = [*(reasons[row] for row in bad), *([Reason(rule)] for rule in batch.refused.values())]
    places = [*(batch.positions[row] for row in bad), *batch.refused]
    rows = pa.concat_tables([checked, refused], promote_options="default")
    texts = pa.list_(pa.string())
    for name, column in (
        (RULES, pa.array([[reason.rule for reason in each] for each in why], texts)),
        (OBSERVED, pa.array([[reason.observed for reason in each] for each in why], texts)),
        (SUITE, pa.array([suite] * len(why), pa.string())),
        (RAW, pa.array([_text(claim.records[at]) for at in places], pa.string())),
    ):
        rows = rows.append_column(name, column)
    return Aside(rows, places, dict(Counter(reason.rule for each in why for reason in each)))


def _text(record: object) -> str:
    return bytes(record).decode(errors="backslashreplace")  # type: ignore[call-overload, no-any-return]
