"""Makes a claim of rows of the quarantine: each is the record that it was, whatever was mended in it."""

from collections.abc import Mapping, Sequence

import msgspec
import pyarrow as pa

from datastream.catalog import ApiSpec
from datastream.claim import Claim, bounds
from datastream.identity import cursor_column, record_ids, rules_of
from datastream.intake.api import rows_of, spread
from datastream.lake.duplicates import overlapping
from datastream.lake.live import live
from datastream.lane import Lane
from datastream.quarantine.mending import Wanted
from datastream.records import RAW, RECEIVED_AT, RECORD_ID, RULES

AGAIN = "again: it came once more, as a row, since it was set aside"


def unread(rules: Sequence[str]) -> bool:
    """Tell whether a record was set aside as no row, so that it is known by its text and not by its key."""
    return any(rule.startswith(("schema: ", "key: ")) for rule in rules)


def claim_of(lane: Lane, rows: pa.Table, wanted: Wanted) -> Claim:
    """Return rows of the quarantine as a claim. What is no record, but an API's answer, is left as it is."""
    stream, records = lane.stream, [msgspec.Raw(text.encode()) for text in rows[RAW].to_pylist()]
    before, ids = rows[RULES].to_pylist(), rows[RECORD_ID].to_pylist()
    answers = {at: rules[0] for at, rules in enumerate(before) if rules[0] == "parent" or rules[0].startswith("api: ")}
    parsed = rows_of(records, answers, lane.schema, rules_of(stream))
    refused = answers | {at: f"schema: {reason}" for at, reason in parsed.misfits.items()}
    cursor = cursor_column(stream.source.cursor, parsed.table)
    if len(parsed.table) < len(records):
        cursor = spread(cursor, parsed.positions, len(records))
    if isinstance(stream.source, ApiSpec):
        by_key: dict[int, str] = {}
        for at, record_id in zip(parsed.positions, record_ids(stream, parsed.table), strict=True):
            if record_id is None:
                refused[at] = f"key: {' or '.join(stream.key)} is missing"
            elif unread(before[at]):
                by_key[at] = record_id
        refused |= dict.fromkeys(_again(lane, by_key, cursor), AGAIN)
    decided = {"released": wanted.commit} if wanted.commit else {}
    return Claim(
        records=records, table=parsed.table, positions=parsed.positions, ids=ids, refused=refused, cursor=cursor,
        schema=parsed.schema, offsets={**decided, **wanted.offsets},
        received_at=rows[RECEIVED_AT].combine_chunks(), taken_at=lane.clock.now(),
    )  # fmt: skip


def _again(lane: Lane, by_key: Mapping[int, str], cursor: pa.Array) -> list[int]:
    """Return where records stand that the stream has by their keys, or that stand there twice."""
    if not by_key:
        return []
    there = (held.file for held in live(lane.store, lane.stream.name).all_files)
    found = bounds(cursor.take(pa.array(list(by_key), pa.int64())))
    known = lane.known.among(overlapping(there, found), set(by_key.values()))
    again: list[int] = []
    for at, record_id in by_key.items():
        if record_id in known:
            again.append(at)
        known.add(record_id)
    return again
