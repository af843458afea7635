"""Reads the newest rows of a stream from the lake, as its suite was asked about them."""

import pyarrow as pa

from datastream.lake import reader
from datastream.lake.rewrite import Whereabouts
from datastream.lake.store import Store
from datastream.records import OWN_COLUMNS


def newest_rows(store: Store, stream: str, limit: int) -> pa.Table:
    """Return the newest rows that are committed, at most `limit`, oldest first, with the stream's own columns.

    One commit at a time is read, and no more of them than it takes. A table without columns means that there is no row.
    Raises FileBroken.
    """
    where, found, rows = Whereabouts(store, stream), list[pa.Table](), 0
    for commit in reader.counting_first(store, stream):
        if rows >= limit:
            break
        files = where.of(commit.files)
        if files:
            found.append(reader.committed_rows(store, str(commit), files))
            rows += found[-1].num_rows
    if not rows:
        return pa.table({})
    table = pa.concat_tables(found[::-1], promote_options="permissive")
    own = [name for name in table.column_names if name in OWN_COLUMNS]
    return table.slice(max(0, rows - limit)).drop_columns(own)
