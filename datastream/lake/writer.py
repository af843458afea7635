"""Writes a plan's files. The names come from the plan, so writing twice writes once."""

import hashlib

import msgspec

from datastream.errors import Permanent
from datastream.lake.manifest import DataFile, Manifest
from datastream.lake.parquet import NOT_PARQUET, record_ids
from datastream.lake.plan import Plan
from datastream.lake.store import Store


class FileConflict(Permanent):
    """A file exists under our name that holds other rows."""


def write(store: Store, plan: Plan) -> Manifest:
    """Write every file of a plan, durably, and return the manifest that would commit them.

    Plain readers see the files at once: they hold the rows that were decided and nothing else will ever stand under
    their names. Raises FileConflict.
    """
    decided = plan.manifest
    ours = dict(zip([file.key for file in decided.all_files], plan.data, strict=True))
    existed = store.create_all(ours)
    if not existed:
        return decided
    found = [_existing(store, f, ours[f.key]) if f.key in existed else f for f in decided.all_files]
    quarantine = found.pop() if decided.quarantine else None
    return msgspec.structs.replace(decided, files=found, quarantine=quarantine)


def _existing(store: Store, file: DataFile, ours: bytes) -> DataFile:
    """Describe a file that is there already. Its records must be ours; after a restore its bytes may be others."""
    data = store.read(file.key)
    if data == ours:
        return file
    if data is None or not _same_records(data, ours):
        raise FileConflict(
            f"{file.key} exists and holds other rows than the ones decided for it. Nothing was overwritten. "
            "Move that file away if it does not belong to this lake, and run again."
        )
    return msgspec.structs.replace(file, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def _same_records(data: bytes, ours: bytes) -> bool:
    try:
        return bool(record_ids(data).equals(record_ids(ours)))
    except NOT_PARQUET:
        return False
