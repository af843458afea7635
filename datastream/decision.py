"""Decides a claim: which rows are loaded into which file, which are set aside and why. Nothing is written here."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datastream.aside import Aside, set_aside
from datastream.catalog import Stream
from datastream.claim import Batch, Claim
from datastream.fates import fates_of, reasons_of
from datastream.identity import identity_of
from datastream.lake import layout
from datastream.lake.encoding import DecidedFile, Decision
from datastream.lake.manifest import CursorRange, Header, RuleResult, Shape, Snapshot, Versions
from datastream.partition import Folders, folders_of
from datastream.quality import Suite, Verdict
from datastream.records import COMMIT, RECEIVED_AT, Accounts


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

    @property
    def commit(self) -> str:
        """What the commit is called."""
        return layout.commit_name(self.lane, self.seq)

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
    fates = fates_of(stream, verdict, len(batch))
    table = with_own_columns(batch, place)
    folders = folders_of(stream.partition_by, table, np.flatnonzero(~fates.bad))
    unplaced = folders.unplaced(place.watermark)
    fates.bad[list(unplaced)] = True
    order, files = files_of(stream, batch, folders, np.flatnonzero(~fates.bad), place)
    aside = set_aside(batch, table, reasons_of(verdict, fates, table, unplaced), suite.version, place.commit)
    accounts = Accounts(
        read=len(batch.claim), loaded=len(order), quarantined=aside.rows.num_rows, duplicates=batch.duplicates
    )
    header = header_of(stream, batch, verdict, place, accounts, aside.counts)
    header = msgspec.structs.replace(
        header, held=[outcome.rule.label for outcome in fates.held],
        watermark=folders.watermark(order, place.watermark, batch.claim.taken_at),
    )  # fmt: skip
    quarantine = _quarantine_file(stream, batch, aside, place)
    return Decision(
        header=header, files=files, loaded=table.take(pa.array(order)), quarantine=quarantine, set_aside=aside.rows
    )


def header_of(
    stream: Stream, batch: Batch, verdict: Verdict, place: Place, accounts: Accounts, set_aside: dict[str, int]
) -> Header:
    """Return what is known of the commit to be."""
    claim = batch.claim
    return Header(
        stream=stream.name, lane=place.lane, seq=place.seq, decision=secrets.token_hex(8), run=place.run,
        decided_at=claim.taken_at, accounts=accounts, offsets=dict(claim.offsets), schema=claim.schema,
        columns=batch.columns, identity=identity_of(stream), versions=_versions(stream, batch, place),
        set_aside=set_aside, pii=stream.pii,
        rules=[RuleResult(rule=o.rule.label, severity=o.rule.severity, success=o.success, rows=len(o.set_aside))
               for o in verdict.expectations],
        shape=place.shape, watermark=place.watermark, snapshot=place.counting(stream, claim),
    )  # fmt: skip


def _versions(stream: Stream, batch: Batch, place: Place) -> Versions:
    described = msgspec.json.encode([batch.claim.schema, stream.schema_spec.declared], order="sorted")
    return msgspec.structs.replace(place.versions, schema=hashlib.sha256(described).hexdigest()[:12])


def with_own_columns(batch: Batch, place: Place) -> pa.Table:
    """Return the batch's table with when its rows were received, and by which commit they land."""
    received = batch.claim.received_at.take(pa.array(batch.positions, pa.int64()))
    commits = pa.repeat(place.commit, len(batch))
    return batch.table.append_column(RECEIVED_AT, received).append_column(COMMIT, commits)


def files_of(
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


def _quarantine_file(stream: Stream, batch: Batch, aside: Aside, place: Place) -> DecidedFile | None:
    if not aside.places:
        return None
    key = layout.quarantine_file(stream.name, place.lane, place.seq)
    return DecidedFile(key=key, rows=len(aside.places), cursor=_range(batch.claim.cursor.take(pa.array(aside.places))))


def _range(cursor: pa.Array) -> CursorRange | None:
    if cursor.null_count:
        return None
    bounds = pc.min_max(cursor).as_py()
    return (bounds["min"], bounds["max"])
