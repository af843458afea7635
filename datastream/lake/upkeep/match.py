"""Finds the rows of one key: by its columns in data, and in quarantine also within the row as it was received."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from datastream.records import RAW

Key = Mapping[str, str]
"""Column to value, as they were typed."""


def matching(rows: pa.Table, key: Key) -> pa.Array:
    """Return which rows of a data file have the key; none if the file lacks one of its columns."""
    mask: Any = pa.scalar(bool(key))
    for name, text in key.items():
        value = _value(text, rows.schema.field(name).type) if name in rows.column_names else None
        if value is None:
            return pa.array([False] * rows.num_rows)
        mask = pc.and_(mask, pc.fill_null(pc.equal(rows[name], value), False))
    return mask


def matching_aside(rows: pa.Table, key: Key) -> pa.Array:
    """Return which rows of a quarantine file have the key, as they were checked or as they were received."""
    received = pa.array([_has(text, key) for text in rows[RAW].to_pylist()], pa.bool_())
    return pc.or_(pc.fill_null(matching(rows, key), False), received)


def _value(text: str, kind: pa.DataType) -> pa.Scalar | None:
    """Return what was typed as a value of a column; None if it is none."""
    try:
        return pa.scalar(text).cast(kind)
    except pa.ArrowException:
        return None


def _has(raw: str | None, key: Key) -> bool:
    if raw is None:
        return False
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError):
        return _says(raw, key)
    if isinstance(record, dict):
        return all(name in record and _same(record[name], text) for name, text in key.items())
    return _says(raw, key)


def _same(value: Any, text: str) -> bool:
    if isinstance(value, str):
        return value == text
    try:
        return bool(json.loads(text) == value) and isinstance(value, bool) == isinstance(json.loads(text), bool)
    except (ValueError, RecursionError):
        return False


def _says(raw: str, key: Key) -> bool:
    """Tell whether a text that is no record names the key: better one broken row too many is removed than too few."""
    pairs = (rf'"{re.escape(name)}"\s*:\s*"?{re.escape(text)}(?![\w.])' for name, text in key.items())
    return all(re.search(pair, raw) for pair in pairs)
