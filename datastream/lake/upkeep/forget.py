"""Forgets one key: every row of it leaves data and quarantine, and what comes again of them is not loaded.

The files that held it are deleted at once and not after a grace: whoever asked for that wants it gone. So a reader that
is at them may fail, and reads again. What stays is the hash by which a record is told to be a repeat.
"""

import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datastream.errors import Permanent, Transient
from datastream.lake import layout
from datastream.lake.live import Live, live
from datastream.lake.log import Log
from datastream.lake.parquet import NOT_PARQUET, opened, table
from datastream.lake.returned import replays
from datastream.lake.rewrite import Gone, Held, Rewrite, Swap
from datastream.lake.store import Store
from datastream.lake.upkeep.attempt import Attempt
from datastream.lake.upkeep.match import Key, matching, matching_aside
from datastream.lake.upkeep.sweep import sweep
from datastream.records import RECORD_ID


class KeyUnknown(Permanent):
    """No file of the stream has a column of the key."""


class PlanOpen(Transient):
    """A claim is decided and not committed: its rows would come back."""


@dataclass(frozen=True, slots=True)
class Found:
    """What of a key is on the lake."""

    live: Live
    rows: Mapping[str, int] = field(default_factory=dict)
    """By the file that holds them."""
    ids: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()
    """Files with such rows that do not count any more and are there still, for whoever reads them."""

    def __bool__(self) -> bool:
        return bool(self.rows or self.erased)

    @property
    def gone(self) -> Gone:
        """The rows, in data and in quarantine."""
        aside = sum(rows for key, rows in self.rows.items() if layout.is_quarantine(key))
        return Gone(data=sum(self.rows.values()) - aside, quarantined=aside)


def find(store: Store, stream: str, key: Key) -> Found:
    """Return the rows of a key. Raises PlanOpen, KeyUnknown, FileBroken."""
    _refuse_open_plans(store, stream)
    now, rows, ids, columns = live(store, stream), dict[str, int](), set[str](), set[str]()
    # A record that was mended and loaded from quarantine has another key there: it is known by its id.
    for held in now.all_files * (2 if replays(now.all_files) else 1):
        found = opened(store, held.commits[-1], held.file, table)
        columns |= set(found.column_names)
        mine = found.filter(_mask(held.key, found, key, ids))
        if mine.num_rows:
            rows[held.key] = mine.num_rows
            ids |= set(mine[RECORD_ID].to_pylist())
    erased = tuple(name for name in now.replaced if _still_has(store, name, key))
    _refuse_unknown(stream, key, columns, found=bool(rows or erased))
    return Found(now, rows, tuple(sorted(ids)), erased)


def _still_has(store: Store, name: str, key: Key) -> bool:
    data = store.read(name)
    try:
        return data is not None and pc.any(_mask(name, table(data), key)).as_py() is True
    except NOT_PARQUET:
        return True  # it counts no more, and nobody can tell what it holds


def _refuse_unknown(stream: str, key: Key, columns: set[str], *, found: bool) -> None:
    unknown = [name for name in key if name not in columns]
    if unknown and not found:
        raise KeyUnknown(
            f"No file of {stream!r} has a column {unknown[0]!r}. Name the key's columns as they are on the lake: there "
            f"are {', '.join(sorted(name for name in columns if not name.startswith('_'))) or 'none yet'}."
        )


def forget(store: Store, stream: str, key: Key, now: datetime, run: str) -> Rewrite | None:
    """Remove the rows of a key, delete the files that held them, and remember the ids. None if there is no such row.

    What other runs commit meanwhile stays: nobody should load the stream while it is asked to forget.
    Raises PlanOpen, KeyUnknown, FileBroken.
    """
    while True:
        found = find(store, stream, key)
        if not found:
            return None
        attempt = Attempt(store, found.live, "forget", now, run)
        touched = [held for held in found.live.all_files if held.key in found.rows]
        swaps = tuple(_without(store, held, key, found.ids, attempt) for held in touched)
        made = attempt.commit(swaps=swaps, gone=found.gone, forgotten=found.ids, erased=found.erased)
        if made is not None:
            sweep(store, stream, now, run)
            return made


def _refuse_open_plans(store: Store, stream: str) -> None:
    for lane in sorted({key.split("/")[2] for key in store.keys(layout.plans_of(stream))}):
        log = Log(store, stream, lane)
        newest = log.newest()
        log.sweep(newest.header.seq if newest else 0)
        if layout.sequences(store.keys(layout.plan_folder(stream, lane)), "plan"):
            raise PlanOpen(
                f"Lane {lane} of {stream!r} has a claim that is decided and not committed yet; its rows would come to "
                f"the lake after this. Let it be committed first, with: python -m flows.etl_pipeline {stream}"
            )


def _mask(name: str, rows: pa.Table, key: Key, ids: Collection[str] = ()) -> pa.Array:
    mask = matching_aside(rows, key) if layout.is_quarantine(name) else matching(rows, key)
    return pc.or_(mask, pc.is_in(rows[RECORD_ID], pa.array(ids, pa.string()))) if ids else mask


def _without(store: Store, held: Held, key: Key, ids: Collection[str], attempt: Attempt) -> Swap:
    rows = opened(store, held.commits[-1], held.file, table)
    kept = rows.filter(pc.invert(_mask(held.key, rows, key, ids)))
    if not kept.num_rows:
        return Swap(removes=(held.key,))
    sink = io.BytesIO()
    pq.write_table(kept.replace_schema_metadata(attempt.origin), sink, compression="zstd")
    return Swap(removes=(held.key,), adds=(attempt.write(sink.getvalue(), kept.num_rows, [held]),))
