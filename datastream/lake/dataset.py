"""The columns of a whole stream, for compaction and for whoever opens its files as one dataset with another library.

No file is rewritten because a column comes or is widened; each is read as these columns, and what it lacks is null.
"""

import pyarrow as pa

from datastream.catalog.types import parse_type
from datastream.lake.schemas import newest
from datastream.lake.store import Store
from datastream.records import COMMIT, RECEIVED_AT, RECEIVED_TYPE, RECORD_ID

_OWN = {RECORD_ID: pa.string(), RECEIVED_AT: RECEIVED_TYPE, COMMIT: pa.string()}


def schema_of(store: Store, stream: str) -> pa.Schema:
    """Return the columns and types of all committed files of a stream, our own last, without opening one."""
    columns = {name: parse_type(text) for name, text in newest(store, stream).columns.items()}
    return pa.schema([*(columns | _OWN).items()])
