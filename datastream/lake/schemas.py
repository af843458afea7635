"""The versions of a stream's schema: what its lanes agree on, so that their files open as one dataset.

A version is created once, like a commit, and before the first file that needs it. Of two lanes that want another next
version one wins, and the other reads its claim again, with what the first one learned.
"""

import msgspec

from datastream.lake import layout
from datastream.lake.manifest import ManifestBroken
from datastream.lake.store import Store


class Schema(msgspec.Struct, frozen=True, kw_only=True):
    """One version."""

    version: int = 0
    """0 stands for a stream of which nothing is known."""
    fields: dict[str, str] = {}
    """The source's fields and their types."""
    columns: dict[str, str] = {}
    """The columns of the stream's files and their types, but for our own."""

    def covers(self, fields: dict[str, str], columns: dict[str, str]) -> bool:
        """Tell whether all of these are in it, as the same types."""
        return fields.items() <= self.fields.items() and columns.items() <= self.columns.items()


def newest(store: Store, stream: str) -> Schema:
    """Return the newest version. Raises ManifestBroken."""
    found = layout.sequences(store.keys(layout.schema_folder(stream)), "json")
    if not found:
        return Schema()
    key = layout.schema(stream, found[-1])
    try:
        return msgspec.json.decode(store.read(key) or b"", type=Schema)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ManifestBroken(
            f"{key} is no schema this version can read: {error}. Restore it from a backup of the lake."
        ) from error


def create(store: Store, stream: str, schema: Schema) -> bool:
    """Make a version the next one. False means that another lane was faster."""
    data = msgspec.json.format(msgspec.json.encode(schema), indent=1)
    return store.create(layout.schema(stream, schema.version), data)
