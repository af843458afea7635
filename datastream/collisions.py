"""Tells where records that have one id differ in more than order and spacing: then the key does not tell them apart.

The first of them is loaded and the others count as duplicates, as harmless ones do. So it is told, and changes nothing.
"""

import json
from collections.abc import Container, Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec

from datastream.catalog import Stream
from datastream.sources.decode import Odd, decode, texts
from datastream.sources.exactly import shown_name

_NAMED = 2
_NULL = msgspec.Raw(b"null")


class Collisions(msgspec.Struct, frozen=True):
    """How many records have the id of one before them in their claim, and other content."""

    rows: int = 0
    fields: tuple[str, ...] = ()
    """Two at most in which the first of them differs."""

    def __bool__(self) -> bool:
        return self.rows > 0

    def __add__(self, other: "Collisions") -> "Collisions":
        return Collisions(self.rows + other.rows, self.fields or other.fields)

    def told(self, stream: Stream) -> str:
        """Return it in sentences, with the way out."""
        cursor = stream.source.cursor
        same = f"key ({', '.join(stream.key)}){f' and cursor ({cursor.field})' if cursor else ''}"
        many = "1 record has" if self.rows == 1 else f"{self.rows:,} records have"
        return (
            f"{many} the {same} of an earlier one and other content, for example in {' and '.join(self.fields)}: of "
            "records with one id only the first is loaded, and the others count as duplicates. If they are different "
            "records, add the fields to `key` that tell them apart."
        )


def collisions(ids: Sequence[str], records: Sequence[Any], refused: Container[int]) -> Collisions:
    """Return what collides within a claim. What is `refused` has an id of all its content, and is left out.

    It costs next to nothing where no id comes twice, and else as much as reading the records that share one.
    """
    if len(set(ids)) == len(ids):
        return Collisions()
    first: dict[str, int] = {}
    rows, fields = 0, list[str]()
    for at, record_id in enumerate(ids):
        before = first.setdefault(record_id, at)
        if before == at or at in refused or bytes(records[before]) == bytes(records[at]):
            continue
        differing = _differing(records[before], records[at])
        if (name := next(differing, None)) is not None:
            rows += 1
            fields = fields or [name, *islice(differing, _NAMED - 1)]
    return Collisions(rows, tuple(map(shown_name, fields)))


def _differing(one: msgspec.Raw, other: msgspec.Raw) -> Iterator[str]:
    """Yield the fields in which two objects differ; a field that is missing is null."""
    ours, theirs = texts(one), texts(other)
    return (name for name in ours | theirs if not _same(ours.get(name, _NULL), theirs.get(name, _NULL)))


def _same(one: msgspec.Raw, other: msgspec.Raw) -> bool:
    return bytes(one) == bytes(other) or _plain(one) == _plain(other)


def _plain(value: msgspec.Raw) -> str | bytes:
    """Return a value as text without what does not count."""
    try:
        return json.dumps(decode(value), sort_keys=True, default=str)
    except (Odd, TypeError, RecursionError):  # what cannot be written down again is known by its very bytes
        return bytes(value)
