"""Some of the rows that were set aside last, as they may be shown: masked, clipped, and what they broke first."""

import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datastream.lake import layout
from datastream.lake.log import Log
from datastream.lake.parquet import NOT_PARQUET
from datastream.lake.store import Store
from datastream.masking import Mask
from datastream.records import COMMIT, OBSERVED, RAW, RECEIVED_AT, RECORD_ID, RULES, SUITE
from datastream.report.words import text

ROWS, COLUMNS = 10, 16
_FILES, _LOOKED_AT = 2, 1_000
_LARGEST_BYTES = 32 * 1024 * 1024
"""A file that is larger is not read for ten rows of it."""
_CELL, _RAW_CELL = 60, 160
_ABOUT = (RULES, OBSERVED)
_LAST = (RECEIVED_AT, COMMIT, RAW)


class Samples(msgspec.Struct, frozen=True):
    """A table of texts that are to be escaped still."""

    names: list[str] = []
    rows: list[list[str]] = []


def samples(store: Store, stream: str, mask: Mask, commits: Sequence[str]) -> Samples:
    """Return up to ten rows of the newest of these commits, of as many rules as there are.

    What has left the lake, lies in other files by now or cannot be read is left out: it is a sample.
    """
    found: list[dict[str, Any]] = []
    for name in list(reversed(commits))[:_FILES]:
        if len(found) < ROWS:
            found += _chosen(_aside(store, stream, name), ROWS - len(found))
    rows = [mask.row(row) for row in found]
    there = dict.fromkeys(name for row in rows for name, value in row.items() if value is not None)
    own = [name for name in there if name not in (*_ABOUT, *_LAST, RECORD_ID, SUITE)]
    names = [*_ABOUT, *own[:COLUMNS], *(name for name in _LAST if name in there)]
    return Samples([text(name, 40) for name in names], [[_cell(name, row) for name in names] for row in rows])


def _aside(store: Store, stream: str, name: str) -> pa.Table | None:
    """Return the first rows that a commit set aside."""
    lane, seq = layout.commit_of(name)
    commit = Log(store, stream, lane).manifest(seq)
    file = commit.quarantine if commit else None
    data = store.read(file.key) if file is not None and file.bytes <= _LARGEST_BYTES else None
    if data is None:
        return None
    try:
        with pq.ParquetFile(io.BytesIO(data)) as opened:
            batch = next(opened.iter_batches(_LOOKED_AT, use_threads=False), None)
    except NOT_PARQUET:
        return None
    if batch is None or RULES not in batch.schema.names:
        return None
    rows = pa.Table.from_batches([batch])
    return rows.filter(pc.equal(rows[COMMIT], name))


def _chosen(rows: pa.Table | None, most: int) -> list[dict[str, Any]]:
    """Return some rows: first one of each kind of trouble, then a second one, and so on."""
    if rows is None:
        return []
    turns, seen = list[tuple[int, int]](), Counter[tuple[str, ...]]()
    for at, rules in enumerate(rows[RULES].to_pylist()):
        seen[key := tuple(rules or ())] += 1
        turns.append((seen[key], at))
    chosen = rows.take(pa.array([at for _, at in sorted(turns)[:most]], pa.int64()))
    try:
        found: list[dict[str, Any]] = chosen.to_pylist()
    except (ValueError, OverflowError):  # a time that Python has no object for
        return []
    return found


def _cell(name: str, row: Mapping[str, Any]) -> str:
    value = row.get(name)
    if isinstance(value, list) and name in _ABOUT:
        return text(", ".join(_each(value)), 2 * _CELL)
    if name == RECEIVED_AT and value is not None:
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return text(value, _RAW_CELL if name == RAW else _CELL)


def _each(values: Sequence[str | None]) -> Iterator[str]:
    return (value[:_RAW_CELL] for value in values if value)
