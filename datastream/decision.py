"""Decides a claim: which rows are loaded into which file, which are set aside and why. Nothing is written here."""

import hashlib
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datastream.catalog import Stream
from datastream.claim import Batch, Claim
from datastream.errors import Permanent
from datastream.identity import identity_of
from datastream.lake import layout
from datastream.lake.encoding import DecidedFile, Decision
from datastream.lake.manifest import CursorRange, Header, RuleResult, Shape, Snapshot, Versions
from datastream.partition import Folders, folders_of
from datastream.quality import Suite, Verdict
from datastream.records import COMMIT, RAW, RECEIVED_AT, RECORD_ID, RULES, Accounts


class SuiteFailed(Permanent):
    """An expectation about the whole claim failed, which no row can be set aside for."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the log a decision belongs, and who takes it."""

    lane: str
    seq: int
    run: str
    versions: Versions
    shape: Shape | None = None
    watermark: datetime | None = None
    """The greatest record time that the lane has loaded before."""
    snapshot: Snapshot | None = None
    """What the lane's newest commit says of those that count."""

    def counting(self, stream: Stream, claim: Claim) -> Snapshot | None:
        """Return which commits of the lane count once this claim is the next; None stands for all.

        A pass goes on as it was begun, whatever the file says by now, also where it has to begin again.
        """
        before = self.snapshot or Snapshot(first=1, last=self.seq - 1)
        begun = before.begun
        if claim.begins and (begun is not None or stream.load == "replace"):
            begun = self.seq
        if begun is None:
            return self.snapshot and Snapshot(first=before.first, last=self.seq)
        if claim.closes:
            return Snapshot(first=begun, last=self.seq)
        return Snapshot(first=before.first, last=before.last, begun=begun)


def decide(stream: Stream, suite: Suite, batch: Batch, verdict: Verdict, place: Place) -> Decision:
    """Return what becomes of a checked batch. Raises SuiteFailed and PartitionImpossible."""
    strict: set[str] = {rule.severity for rule in suite.rules if stream.action(rule.severity) == "quarantine"}
    _stop_for_the_whole(stream, verdict, strict)
    bad = np.zeros(len(batch), dtype=bool)
    bad[verdict.bad_rows_for(strict)] = True
    name = layout.commit_name(place.lane, place.seq)
    table = _with_own_columns(batch, name)
    folders = folders_of(stream.partition_by, table, np.flatnonzero(~bad))
    unplaced = folders.unplaced(place.watermark)
    bad[list(unplaced)] = True
    order, files = _files(stream, batch, folders, np.flatnonzero(~bad), place)
    set_aside, broken = _set_aside(_rules(suite, verdict, unplaced), batch, table, np.flatnonzero(bad), name)
    quarantine = _quarantine_file(stream, batch, [batch.positions[int(row)] for row in np.flatnonzero(bad)], place)
    accounts = Accounts(
        read=len(batch.claim), loaded=len(order), quarantined=set_aside.num_rows, duplicates=batch.duplicates
    )
    header = Header(
        stream=stream.name, lane=place.lane, seq=place.seq, decision=secrets.token_hex(8), run=place.run,
        decided_at=batch.claim.taken_at, accounts=accounts, offsets=dict(batch.claim.offsets),
        schema=batch.claim.schema, columns=batch.columns,
        identity=identity_of(stream), versions=_versions(stream, batch, place), set_aside=broken,
        rules=[RuleResult(rule=o.rule.label, severity=o.rule.severity, success=o.success, rows=len(o.set_aside))
               for o in verdict.expectations],
        shape=place.shape, watermark=folders.watermark(order, place.watermark, batch.claim.taken_at),
        snapshot=place.counting(stream, batch.claim),
    )  # fmt: skip
    loaded = table.take(pa.array(order))
    return Decision(header=header, files=files, loaded=loaded, quarantine=quarantine, set_aside=set_aside)


def _versions(stream: Stream, batch: Batch, place: Place) -> Versions:
    described = msgspec.json.encode([batch.claim.schema, stream.schema_spec.declared], order="sorted")
    return msgspec.structs.replace(place.versions, schema=hashlib.sha256(described).hexdigest()[:12])


def _stop_for_the_whole(stream: Stream, verdict: Verdict, strict: set[str]) -> None:
    failures = verdict.table_failures(strict)
    if failures:
        said = "; ".join(f"{outcome.rule.label} (observed: {outcome.observed})" for outcome in failures)
        raise SuiteFailed(
            f"The claim of {stream.name} as a whole fails its suite {stream.suite!r}: {said}. No single row is to "
            "blame, so nothing was committed and the cursor has not moved. Correct the source or the expectation, or "
            "give it the severity 'warning'."
        )


def _with_own_columns(batch: Batch, commit: str) -> pa.Table:
    count = len(batch)
    received = batch.claim.received_at.take(pa.array(batch.positions, pa.int64()))
    return batch.table.append_column(RECEIVED_AT, received).append_column(COMMIT, pa.repeat(commit, count))


def _files(
    stream: Stream, batch: Batch, folders: Folders, order: np.ndarray, place: Place
) -> tuple[np.ndarray, list[DecidedFile]]:
    """Return the rows to load in the order of their files, and the files."""
    order, groups = folders.grouped(order)
    cursor = batch.claim.cursor.take(pa.array(np.asarray(batch.positions)[order], pa.int64()))
    files: list[DecidedFile] = []
    start = 0
    for partition, count in groups:
        for offset in range(0, count, stream.batch.size):
            rows = min(stream.batch.size, count - offset)
            key = layout.data_file(stream.name, partition, place.lane, place.seq, len(files))
            files.append(DecidedFile(key=key, rows=rows, cursor=_range(cursor.slice(start + offset, rows))))
        start += count
    return order, files


def _rules(suite: Suite, verdict: Verdict, unplaced: Mapping[int, str]) -> dict[int, list[str]]:
    """Return by row the rules it broke, and why it lands nowhere."""
    labels = {rule.number: rule.label for rule in suite.rules}
    broken = {row: [labels[number] for number in numbers] for row, numbers in verdict.rules_by_row().items()}
    return broken | {row: [*broken.get(row, []), why] for row, why in unplaced.items()}


def _set_aside(
    broken: Mapping[int, list[str]], batch: Batch, table: pa.Table, bad: np.ndarray, commit: str
) -> tuple[pa.Table, dict[str, int]]:
    """Return the rows to set aside, with every rule each broke and as it was received, and the rows by rule."""
    records = batch.claim.records
    rules = [broken[int(row)] for row in bad]
    raw = [_text(records[batch.positions[int(row)]]) for row in bad]
    checked = _with_quarantine_columns(table.take(pa.array(bad)), rules, raw)
    refused = pa.table({
        RECORD_ID: pa.array([batch.claim.ids[at] for at in batch.refused], pa.string()),
        RECEIVED_AT: batch.claim.received_at.take(pa.array(list(batch.refused), pa.int64())),
        COMMIT: pa.array([commit] * len(batch.refused), pa.string()),
    })  # fmt: skip
    reasons = [[rule] for rule in batch.refused.values()]
    texts = [_text(records[at]) for at in batch.refused]
    unchecked = _with_quarantine_columns(refused, reasons, texts)
    counts = Counter(rule for row in (*rules, *reasons) for rule in row)
    return pa.concat_tables([checked, unchecked], promote_options="default"), dict(counts)


def _with_quarantine_columns(table: pa.Table, rules: list[list[str]], raw: list[str]) -> pa.Table:
    rules_column = pa.array(rules, pa.list_(pa.string()))
    return table.append_column(RULES, rules_column).append_column(RAW, pa.array(raw, pa.string()))


def _quarantine_file(stream: Stream, batch: Batch, bad: list[int], place: Place) -> DecidedFile | None:
    positions = [*bad, *batch.refused]
    if not positions:
        return None
    key = layout.quarantine_file(stream.name, place.lane, place.seq)
    return DecidedFile(key=key, rows=len(positions), cursor=_range(batch.claim.cursor.take(pa.array(positions))))


def _range(cursor: pa.Array) -> CursorRange | None:
    if cursor.null_count:
        return None
    bounds = pc.min_max(cursor).as_py()
    return (bounds["min"], bounds["max"])


def _text(record: object) -> str:
    return bytes(record).decode(errors="backslashreplace")  # type: ignore[call-overload, no-any-return]
