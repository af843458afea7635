"""Reads the rows of a parent stream that its children are asked for, from the lake: those of whole commits.

What a window asks is fixed by the numbers of commits, so a run that goes on in the middle of it asks the same; rows
that expired or were forgotten meanwhile are asked for no more.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pyarrow as pa

from datastream.lake import layout
from datastream.lake.log import Log
from datastream.lake.manifest import DataFile
from datastream.lake.parquet import opened, some
from datastream.lake.rewrite import Whereabouts
from datastream.lake.schemas import newest
from datastream.lake.standing import Standing, counting
from datastream.lake.store import Store
from datastream.records import COMMIT
from datastream.sources.fields import column_of, heads_of, values_at
from datastream.sources.parts import ParentUnfit, in_order
from datastream.sources.window import Asked, to_wire

_READING_THREADS = 8


class LakeParents:
    """The rows of the streams of one lake."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def reached(self, stream: str) -> dict[str, int]:
        lanes = self._store.folders(layout.log_of(stream))
        commits = (Log(self._store, stream, lane).newest() for lane in lanes)
        counts = counting(commit.header for commit in commits if commit)
        return {lane: numbers.stop - 1 for lane, numbers in counts.items()}

    def rows(self, asked: Asked, fields: Sequence[str]) -> Iterable[tuple[list[str | int], bool]]:
        counting = self._counting(asked)
        read = partial(self._read, asked.stream, sorted({COMMIT, *heads_of(fields)}))
        with ThreadPoolExecutor(_READING_THREADS, thread_name_prefix="parents") as threads:
            tables = list(threads.map(read, self._files(asked.stream, counting)))
        if not tables:
            return
        table = pa.concat_tables(tables, promote_options="permissive")
        if not self._there(asked.stream, fields, table):
            return
        columns = [_plain(asked.stream, name, table) for name in fields]
        commits = table[COMMIT].to_pylist()
        new = {commit: _is_new(commit, asked) for commit in set(commits) if Standing(counting).has(commit)}
        found: dict[tuple[str | int, ...], bool] = {}
        for commit, *values in zip(commits, *columns, strict=True):
            if commit in new and None not in values:
                found[*values] = found.get((*values,), False) or new[commit]
        yield from (([*values], found[values]) for values in sorted(found, key=in_order))

    def _counting(self, asked: Asked) -> dict[str, range]:
        """Return the commits whose rows are asked for, lane by lane."""
        found: dict[str, range] = {}
        for lane, last in asked.upto.items():
            commit = Log(self._store, asked.stream, lane).manifest(last)
            first = commit.header.counts.start if commit else 1
            found[lane] = range(first if asked.all else max(first, asked.after.get(lane, 0) + 1), last + 1)
        return found

    def _files(self, stream: str, counting: Mapping[str, range]) -> list[DataFile]:
        """Return the files that hold today what these commits have written."""
        written: list[DataFile] = []
        for lane, numbers in counting.items():
            for commit in Log(self._store, stream, lane).between(numbers.start, numbers.stop - 1):
                written += commit.files
        return Whereabouts(self._store, stream).of(written)

    def _there(self, stream: str, fields: Sequence[str], table: pa.Table) -> bool:
        """Tell whether the rows have these fields; of some there may be no value yet. Raises ParentUnfit."""
        missing = [name for name in fields if column_of(table.column_names, name) is None]
        if missing:
            schema = newest(self._store, stream)
            empty = {*schema.columns, *(name for name, kind in schema.fields.items() if kind == "null")}
            _require(stream, [name for name in missing if empty.isdisjoint(heads_of([name]))])
        return not missing

    def _read(self, stream: str, names: Sequence[str], file: DataFile) -> pa.Table:
        return opened(self._store, stream, file, lambda data: some(data, names))


def _is_new(commit: str, asked: Asked) -> bool:
    lane, number = layout.commit_of(commit)
    return number > asked.after.get(lane, 0)


def _require(stream: str, missing: Sequence[str]) -> None:
    if missing:
        raise ParentUnfit(
            f"The rows of {stream!r} have no {' and no '.join(missing)}, by which this stream is asked. Correct the "
            f'names in braces, or source.parent.include, in the stream; `datastream sql "describe {stream}"` tells '
            "what there is."
        )


def _plain(stream: str, name: str, table: pa.Table) -> list[str | int | None]:
    """Return values as they stand in an address. Raises ParentUnfit."""
    return [_written(stream, name, value) for value in values_at(table, name)]


def _written(stream: str, name: str, value: Any) -> str | int | None:
    if value is None or (isinstance(value, str | int) and not isinstance(value, bool)):
        return value
    if isinstance(value, datetime):
        return to_wire(value if value.tzinfo else value.replace(tzinfo=UTC))  # without a zone it is UTC everywhere
    if isinstance(value, date):
        return value.isoformat()
    raise ParentUnfit(
        f"{name} of {stream!r} is {type(value).__name__}, and this stream is asked by it: only text, whole numbers and "
        "times can be written into an address. Name another field, or make it text in the parent's transform."
    )
