"""Opens a stream for a run that only reads: its file and its lake, without lane, lease or source."""

from blocks import DataLake
from datastream.catalog import Catalog, Stream
from datastream.lake.lake import open_lake
from datastream.lake.store import Store
from datastream.settings import Settings
from tasks.logs import sentences_only


def read_stream(name: str, lake: DataLake | None) -> tuple[Stream, Store, Settings]:
    """Return a stream as it is described today, the lake that holds it, and where else to look."""
    sentences_only()
    settings = Settings.read()
    return Catalog(settings.streams).stream(name), open_lake(lake or settings.lake), settings
