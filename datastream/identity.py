"""Who a record is. The same record has the same id, whenever, however often and in whatever company it comes."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import repeat
from typing import Any

import msgspec
import pyarrow as pa

from datastream.catalog import Cursor, CursorValue, Stream, WebhookSpec
from datastream.records import OWN_COLUMNS
from datastream.sources.decode import Odd, decode
from datastream.sources.fields import values_at
from datastream.sources.learn import Rules
from datastream.sources.window import from_wire

_ID_BYTES = 16
_SCHEME = "standard-webhooks"
RAW_IDS = "raw"
"""In the identity of a commit some of whose rows were no rows when they came: these are known by their very text."""
_encoder = msgspec.json.Encoder(order="deterministic")


def identity_of(stream: Stream) -> dict[str, Any]:
    """Return what the ids and cursor ranges of a stream depend on, as each manifest keeps it."""
    if isinstance(stream.source, WebhookSpec):
        return {"scheme": _SCHEME, "key": stream.key}
    cursor = stream.source.cursor
    kind = type(cursor.initial).__name__ if cursor else None
    return {"key": stream.key, "cursor": cursor.field if cursor else None, "cursor_kind": kind}


def reserved(stream: Stream) -> frozenset[str]:
    """Return the names that no field of a record may have: our own, and that of the partitions' folders."""
    by = stream.partition_by
    return OWN_COLUMNS | {by.folder} if by else OWN_COLUMNS


def rules_of(stream: Stream) -> Rules:
    """Return what the stream says of its columns. Another type of what its ids are made of would make other ids."""
    cursor = stream.source.cursor
    names = frozenset([*stream.key, *([cursor.field] if cursor else [])])
    identity = frozenset() if isinstance(stream.source, WebhookSpec) else names
    return Rules(stream.schema_spec, reserved(stream), identity, stream.mask)


def record_ids(stream: Stream, table: pa.Table, key: Sequence[str] | None = None) -> list[str | None]:
    """Return each row's id: a hash of stream, key values and cursor value; None where a key field has no value.

    The cursor's value belongs to it because a newer version of a key is a new record. `key` is that of another time.
    """
    key = stream.key if key is None else key
    columns = [table[name].to_pylist() if name in table.column_names else [None] * table.num_rows for name in key]
    columns += [values_at(table, stream.source.cursor.field)] if stream.source.cursor else []
    missing = {at for column in columns[: len(key)] for at, value in enumerate(column) if value is None}
    # One JSON text a line, encoded in one go; a line break within a value is escaped in JSON.
    lines = _encoder.encode_lines(list(zip(repeat(stream.name, table.num_rows), *columns, strict=True))).splitlines()
    return [None if at in missing else _hash(line) for at, line in enumerate(lines)]


def delivered_id(stream: Stream, delivery: str, index: int) -> str:
    """Return the id of a record that was posted: a hash of stream, scheme, delivery id and place in the delivery."""
    return _hash(_encoder.encode((stream.name, _SCHEME, delivery, index)))


def raw_id(stream: Stream, raw: msgspec.Raw) -> str:
    """Return the id of a record that has no key or is no row: a hash of stream and record, however it is spaced."""
    try:
        text = json.dumps(decode(raw)).encode()
    except (Odd, TypeError, RecursionError):  # what cannot be written down again is known by its very bytes
        text = bytes(raw)
    return blake2b(stream.name.encode() + b"\0raw\0" + text, digest_size=_ID_BYTES).hexdigest()


def _hash(text: bytes) -> str:
    return blake2b(text, digest_size=_ID_BYTES).hexdigest()


def cursor_column(spec: Cursor | None, table: pa.Table) -> pa.Array:
    """Return each row's cursor value in a form that compares as it sorts: times as ISO 8601 text in UTC.

    Null where the row has none, or one that is not of the kind of `initial`.
    """
    if spec is None:
        return pa.nulls(table.num_rows, pa.string())
    if spec.field not in table.column_names:
        return pa.array(map(comparable, _typed(values_at(table, spec.field), spec)))
    coded = table[spec.field].combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    return pa.array(map(comparable, _typed(coded.dictionary.to_pylist(), spec))).take(coded.indices)


def _typed(values: Iterable[object], spec: Cursor) -> Iterable[CursorValue | None]:
    return (from_wire(value, spec.initial, spec.format) for value in values)


def comparable(value: CursorValue | None) -> str | int | None:
    """Return a cursor value in the form that is compared: times as text that sorts as they do."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return value
