"""The columns of a whole stream, for whoever opens its files as one dataset with a library of their own.

Files are never rewritten when a column comes or is widened; each is read as these columns, and what it lacks is null.
"""

import pyarrow as pa

from datastream.catalog.types import parse_type
from datastream.lake import reader
from datastream.lake.log import Log
from datastream.lake.manifest import Header
from datastream.lake.store import Store
from datastream.records import COMMIT, RECEIVED_AT, RECEIVED_TYPE, RECORD_ID

_OWN = {RECORD_ID: pa.string(), RECEIVED_AT: RECEIVED_TYPE, COMMIT: pa.string()}


def schema_of(store: Store, stream: str) -> pa.Schema:
    """Return the columns and types of all committed files of a stream, our own last, from the log alone."""
    columns: dict[str, pa.DataType] = {}
    for header in newest_headers(store, stream):
        for name, text in header.columns.items():
            kind = parse_type(text)
            columns[name] = _wider(columns.get(name, kind), kind)
    return pa.schema([*(columns | _OWN).items()])


def newest_headers(store: Store, stream: str) -> list[Header]:
    """Return what the newest commit of each lane says."""
    newest = (Log(store, stream, lane).newest() for lane in reader.lanes(store, stream))
    return [commit.header for commit in newest if commit is not None]


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """Return the type that has room for both. Lanes may have come differently far in widening a column."""
    return pa.unify_schemas(
        [pa.schema([("", one)]), pa.schema([("", other)])], promote_options="permissive"
    ).field(0).type  # fmt: skip
