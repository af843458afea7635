"""Runs a stream's own transform: a pure function of an Arrow table that keeps the column `_record_id`.

A row that it leaves out is set aside with the rule `transform`, so that the accounts hold.
"""

import hashlib
import io
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq

from datastream.entry import imported
from datastream.errors import Permanent
from datastream.records import EXTRA, OWN_COLUMNS, RECORD_ID

Transform = Callable[[pa.Table], pa.Table]


class TransformMissing(Permanent):
    """The stream names a transform that cannot be imported."""


class TransformFailed(Permanent):
    """The transform raised an error, or returned something that is no transform of its rows."""


class TransformRaised(TransformFailed):
    """The transform raised an error, perhaps because of a few of its rows."""

    @property
    def rule(self) -> str:
        """The rule by which a row is set aside that is to blame; it shows nothing of the row."""
        return f"transform: {type(self.__cause__).__name__}"


def load_transform(entry: str | None) -> tuple[Transform, str]:
    """Return the function that `module:function` names, and its version. None stands for no change."""
    if entry is None:
        return (lambda table: table), "none"
    found = imported(entry, "transform", TransformMissing)
    return found.function, hashlib.sha256(found.source.encode()).hexdigest()[:12]


def apply(transform: Transform, entry: str, table: pa.Table) -> tuple[pa.Table, list[int] | None]:
    """Return the transformed table, and which row of `table` each of its rows is; None stands for all, in order.

    Raises TransformFailed with the reason.
    """
    if not table.num_rows:  # its types are the source's, and would stand beside the transform's in quarantine
        return table.select([RECORD_ID]), None
    try:
        result = transform(table)
    except Exception as error:  # a user's function may raise anything; it is told as what it is
        raise TransformRaised(
            f"The transform {entry!r} raised {type(error).__name__}: {error}. Mend it; nothing was committed, and the "
            "next run takes the same records."
        ) from error
    if not isinstance(result, pa.Table) or RECORD_ID not in result.column_names:
        raise TransformFailed(
            f"The transform {entry!r} returned {_what(result)}. It must return an Arrow table that still has the "
            f"column {RECORD_ID}."
        )
    result = _storable(entry, result)
    given, kept = table[RECORD_ID], result[RECORD_ID]
    if kept.equals(given):
        return result, None
    row_of = {record_id: row for row, record_id in enumerate(given.to_pylist())}
    rows = [row_of.pop(record_id, None) for record_id in kept.to_pylist()]
    if None in rows:
        raise TransformFailed(
            f"The transform {entry!r} returned rows it was not given, or one of them twice. It may change and leave "
            f"out rows, each with its own {RECORD_ID}."
        )
    return result, [row for row in rows if row is not None]


def _storable(entry: str, table: pa.Table) -> pa.Table:
    """Return the table as it can be committed. What cannot be is refused now; after the decision it is too late."""
    names = table.column_names
    wrong = sorted(name for name in set(names) if names.count(name) > 1 or name in OWN_COLUMNS - {RECORD_ID, EXTRA})
    if wrong:
        raise TransformFailed(
            f"The transform {entry!r} returned a column {wrong[0]!r}, which is there twice or is one of our own names. "
            "Give it another name."
        )
    try:
        position = table.schema.get_field_index(RECORD_ID)
        table = table.set_column(position, RECORD_ID, table[RECORD_ID].cast(pa.string())).replace_schema_metadata()
        for at, column in enumerate(table.schema):  # the one type that Parquet casts, by value
            if pa.types.is_timestamp(column.type) and column.type.unit == "s":
                kind = pa.timestamp("ms", column.type.tz)
                table = table.set_column(at, column.with_type(kind), table.column(at).cast(kind))
        pq.write_table(table.schema.empty_table(), io.BytesIO())
        table.validate(full=True)
    except pa.ArrowException as error:
        raise TransformFailed(
            f"The transform {entry!r} returned a table that Parquet cannot hold: {error}. Change that column's type."
        ) from error
    return table


def _what(result: object) -> str:
    return f"a table of {result.column_names}" if isinstance(result, pa.Table) else f"a {type(result).__name__}"
