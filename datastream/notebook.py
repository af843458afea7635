"""For notebooks: `from datastream.notebook import read`, and a stream is an Arrow table."""

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from datastream.lake import tables
from datastream.lake.lake import open_lake
from datastream.settings import Settings


def read(stream: str, *, as_of: datetime | str | None = None, columns: Sequence[str] | None = None) -> pa.Table:
    """Return the rows of a stream, each once, from the lake that the environment or the project's `.env` names.

    `as_of` is a time or a commit, as in `datastream.lake.tables.read`, which says what is promised.
    """
    return tables.read(open_lake(Settings.read().lake), stream, as_of=as_of, columns=columns)
