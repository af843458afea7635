"""Looks the values of a sample up in other streams: an anti-join by DuckDB over their committed files."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa

from datastream.catalog import Reference
from datastream.lake import layout
from datastream.lake.sql import connect, quoted
from datastream.lake.store import Store
from datastream.masking import Mask
from datastream.quality.check import Check
from datastream.quality.references import references

if TYPE_CHECKING:
    import duckdb


def look_up(store: Store, rows: pa.Table | None, wanted: Sequence[Reference], mask: Mask) -> Iterator[Check]:
    """Yield one line a reference. What cannot be told is not judged, and says why: it keeps no other check from it."""
    there = store.folders(layout.LOGS) if wanted else []
    for reference in wanted:
        if rows is None:
            yield references(reference, 0, None)
        elif reference.column not in rows.column_names:
            yield references(reference, 0, None, f"no new row has a column {reference.column}")
        elif reference.stream not in there:
            yield references(reference, 0, None, f"nothing of {reference.stream} is committed")
        else:
            yield _looked_up(store, rows[reference.column].drop_null(), reference, mask)


def _looked_up(store: Store, values: pa.ChunkedArray, reference: Reference, mask: Mask) -> Check:
    import duckdb

    try:
        with connect(store, only=[reference.stream]) as connection:
            return _missing(connection, values, reference)
    except duckdb.Error as error:
        why = (
            f"the values cannot be looked up in {reference.stream}.{reference.key}: correct quality.references in the "
            f"stream's file, or look at the other's files with: datastream lake verify {reference.stream}"
        )
        said = mask.value(reference.column, str(error).partition("\n")[0])  # it may show one of them
        return msgspec.structs.replace(references(reference, 0, None, why), note=f" ({said})")


def _missing(connection: "duckdb.DuckDBPyConnection", values: pa.ChunkedArray, reference: Reference) -> Check:
    parent, key = quoted(reference.stream), quoted(reference.key)
    connection.register("sample", pa.table({"value": values}))
    kinds = [row[:2] for row in connection.execute("describe sample").fetchall()]
    tables = connection.execute(
        "select count(*) from duckdb_views() where view_name = ?", [reference.stream]
    ).fetchone()
    columns = {} if not tables or not tables[0] else {
        row[0]: row[1] for row in connection.execute(f"describe {parent}").fetchall()
    }  # fmt: skip
    if not columns:
        return references(reference, 0, None, f"{reference.stream} has no row")
    if reference.key not in columns:
        return references(reference, 0, None, f"{reference.stream} has no column {reference.key}")
    # Numbers meet numbers of any width; text meets what else there is as text.
    as_text = "VARCHAR" in (columns[reference.key], kinds[0][1])
    ours, theirs = ("value::varchar", f"{key}::varchar") if as_text else ("value", key)
    if not _first(connection, f"select count({key}) from {parent}"):
        return references(reference, 0, None, f"{reference.stream} has no row with a value of {reference.key}")
    missing = _first(
        connection,
        f"select count(*) from sample where {ours} not in (select {theirs} from {parent} where {key} is not null)",
    )
    return references(reference, len(values), missing)


def _first(connection: "duckdb.DuckDBPyConnection", sql: str) -> int:
    found = connection.execute(sql).fetchone()
    return int(found[0]) if found else 0
