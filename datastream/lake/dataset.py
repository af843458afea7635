"""The columns of a whole stream, for whoever opens its files as one dataset with a library of their own.

Files are never rewritten when a column comes or is widened; each is read as these columns, and what it lacks is null.
"""

import pyarrow as pa

from datastream.catalog.types import SMALL, parse_type, text_of
from datastream.errors import Permanent
from datastream.lake import reader
from datastream.lake.log import Log
from datastream.lake.manifest import Header
from datastream.lake.store import Store
from datastream.records import COMMIT, RECEIVED_AT, RECEIVED_TYPE, RECORD_ID

_OWN = {RECORD_ID: pa.string(), RECEIVED_AT: RECEIVED_TYPE, COMMIT: pa.string()}


class LanesDisagree(Permanent):
    """Two lanes of a stream hold a column as types that no type has room for."""


def schema_of(store: Store, stream: str) -> pa.Schema:
    """Return the columns and types of all committed files of a stream, our own last, from the log alone.

    Raises LanesDisagree.
    """
    columns: dict[str, str] = {}
    for header in newest_headers(store, stream):
        for name, text in header.columns.items():
            columns[name] = _wider(stream, name, columns.get(name, text), text)
    return pa.schema([*({name: parse_type(text) for name, text in columns.items()} | _OWN).items()])


def newest_headers(store: Store, stream: str) -> list[Header]:
    """Return what the newest commit of each lane says."""
    newest = (Log(store, stream, lane).newest() for lane in reader.lanes(store, stream))
    return [commit.header for commit in newest if commit is not None]


def _wider(stream: str, name: str, one: str, other: str) -> str:
    """Return the type that has room for both. Lanes may have come differently far in widening a column."""
    if "int64" in (one, other) and {one, other} <= {"int64", SMALL}:
        return "int64"
    fields = [pa.schema([(name, parse_type(text))]) for text in (one, other)]
    try:
        kind = pa.unify_schemas(fields, promote_options="permissive").field(0).type
    except pa.ArrowException:
        kind = None
    if kind is None or ("int64" in (one, other) and pa.types.is_floating(kind)):  # it may hold what a double rounds
        raise LanesDisagree(
            f"The column {name!r} of {stream} is {one} in one lane and {other} in another, and no type has room for "
            "both. Read the lanes by themselves; declare the column, so that it stays one."
        )
    return one if kind == parse_type(one) else other if kind == parse_type(other) else text_of(kind)
