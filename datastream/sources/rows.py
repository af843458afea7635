"""Turns raw JSON records into an Arrow table: a value is kept as it is, or its row is named as one that does not fit.

A double has the 17 digits that a double has, and of a key that stands twice in a record the last value counts.

Types are learned from the values (bool, int64, double, string) and kept in the log, so that later claims agree with
earlier ones; strings stay strings, and what is nested becomes JSON text. A value that does not fit the known type of
its column makes its row a misfit, which the pipeline sets aside.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import UnionType
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from datastream.records import OWN_COLUMNS

SourceSchema = Mapping[str, str]
"""Column name to type: null (no value seen yet), bool, int64, double or string."""

MAX_COLUMNS = 1_000
_BRACE = ord("{")
_BLOCK_BYTES = 4 * 1024 * 1024
_EXACT_FLOAT = 2**53
_INT64 = 2**63
_decode = msgspec.json.Decoder().decode
_decode_raw = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Rows(NamedTuple):
    """The records of a claim as columns. `positions[i]` is the place in the claim of the table's row i."""

    table: pa.Table
    positions: Sequence[int]
    misfits: dict[int, str]
    """Place in the claim to the reason why the record is no row."""
    schema: dict[str, str]


def parse(records: Sequence[msgspec.Raw], known: SourceSchema, reserved: frozenset[str] = OWN_COLUMNS) -> Rows:
    """Return the records as rows of the `known` schema, widened by columns that are new. No field may be `reserved`."""
    if not records:
        return Rows(_arrow_schema(known).empty_table(), [], {}, dict(known))
    sample = known or _learn(_objects(records[:1000])[0], {}, reserved)
    table = _parse_fast(records, sample)
    if table is None or table.num_rows != len(records):
        return _parse_exactly(records, known, reserved)
    return Rows(table, range(len(records)), {}, dict(sample))


def _parse_fast(records: Sequence[msgspec.Raw], schema: SourceSchema) -> pa.Table | None:
    """Parse in one go, in parallel; None if anything at all does not fit."""
    if not schema or len(schema) > MAX_COLUMNS or any(memoryview(record)[0] != _BRACE for record in records):
        return None  # Arrow's parser ends the process on a line that is no object
    text = b"\n".join(records)
    try:
        table = pj.read_json(
            pa.BufferReader(text),
            read_options=pj.ReadOptions(block_size=max(_BLOCK_BYTES, max(map(len, records)) + 1)),
            parse_options=pj.ParseOptions(
                explicit_schema=_arrow_schema(schema),
                unexpected_field_behavior="error",
                newlines_in_values=text.count(b"\n") >= len(records),
            ),
        )
        table.validate(full=True)  # it takes bytes that are no UTF-8 for text
    except pa.ArrowInvalid:
        return None
    return None if _may_be_rounded(table) else table


def _may_be_rounded(table: pa.Table) -> bool:
    """Tell whether a double is so large that it may have been a whole number no double can hold."""
    doubles = (column for column in table.columns if pa.types.is_floating(column.type))
    return any(pc.any(pc.greater_equal(pc.abs(column), _EXACT_FLOAT)).as_py() for column in doubles)


def _parse_exactly(records: Sequence[msgspec.Raw], known: SourceSchema, reserved: frozenset[str]) -> Rows:
    """Parse record by record, which is slower and can tell which one does not fit."""
    objects, misfits = _objects(records)
    misfits |= {at: f"{min(own)} is our own name" for at, row in objects.items() if (own := reserved & row.keys())}
    # What is refused teaches nothing: else one odd record would decide what all later ones have to be.
    schema = _learn({at: row for at, row in objects.items() if at not in misfits}, known, reserved)
    if len(schema) > MAX_COLUMNS:
        dropped = set(list(schema)[MAX_COLUMNS:])
        misfits |= {at: f"more than {MAX_COLUMNS} columns" for at, row in objects.items() if dropped & row.keys()}
        schema = {name: kind for name, kind in schema.items() if name not in dropped}
    if not schema:  # a table without columns could not hold a row
        misfits |= dict.fromkeys(objects, "no field")
    for name, kind in schema.items():
        for at, row in objects.items():
            if at not in misfits and not _fits(row.get(name), kind):
                misfits[at] = f"{name} is not {kind}"
    positions = [at for at in objects if at not in misfits]
    columns = {
        name: pa.array([_plain(objects[at].get(name), kind) for at in positions], _ARROW[kind])
        for name, kind in schema.items()
    }
    table = pa.table(columns, schema=_arrow_schema(schema)) if columns else pa.table({})
    return Rows(table, positions, dict(sorted(misfits.items())), schema)


def _objects(records: Sequence[msgspec.Raw]) -> tuple[dict[int, dict[str, Any]], dict[int, str]]:
    objects: dict[int, dict[str, Any]] = {}
    misfits: dict[int, str] = {}
    for at, record in enumerate(records):
        try:
            value = _decode(record)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            misfits[at] = "not JSON"
            continue
        if isinstance(value, dict) or value is None:
            objects[at] = _with_nested_text(record, value or {})
        else:
            misfits[at] = "not a JSON object"
    return objects, misfits


def _with_nested_text(record: msgspec.Raw, row: dict[str, Any]) -> dict[str, Any]:
    """Return the row with what is nested as the text that came, to the digit."""
    nested = [name for name, value in row.items() if isinstance(value, dict | list)]
    if nested:
        texts = _decode_raw(record)
        row |= {name: bytes(texts[name]).decode() for name in nested}
    return row


def _learn(objects: Mapping[int, dict[str, Any]], known: SourceSchema, reserved: frozenset[str]) -> dict[str, str]:
    """Return `known` with the types of what it does not know. Where kinds mix, the most common wins, text on a tie."""
    schema = dict(known)
    new: dict[str, Counter[str]] = {}
    for row in objects.values():
        for name, value in row.items():
            if known.get(name, "null") == "null" and name not in reserved:
                new.setdefault(name, Counter())[_kind(value)] += 1
    for name, kinds in new.items():
        del kinds["null"]
        numbers = kinds.keys() == {"int64", "double"}
        schema[name] = "double" if numbers else max(kinds, key=_weight(kinds), default="null")
    return schema


def _weight(kinds: Counter[str]) -> Callable[[str], tuple[int, bool]]:
    return lambda kind: (kinds[kind], kind == "string")


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case int():
            return "int64"
        case float():
            return "double"
        case _:
            return "string"


def _fits(value: Any, kind: str) -> bool:
    return value is None or _FITS[kind](value)


def _is_text(value: str) -> bool:
    """Tell whether a string can be written down: a lone surrogate cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_number(value: Any, kinds: type | UnionType) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


def _is_int64(value: Any) -> bool:
    if isinstance(value, float):
        return value.is_integer() and abs(value) < _EXACT_FLOAT / 2  # beyond that, a fraction was rounded away
    return _is_number(value, int) and -_INT64 <= value < _INT64


_FITS: dict[str, Callable[[Any], bool]] = {
    "null": lambda _: False,
    "bool": lambda value: isinstance(value, bool),
    "int64": _is_int64,
    "double": lambda value: isinstance(value, float) or (_is_number(value, int) and abs(value) <= _EXACT_FLOAT),
    "string": lambda value: isinstance(value, str) and _is_text(value),
}


def _plain(value: Any, kind: str) -> Any:
    return int(value) if kind == "int64" and isinstance(value, float) else value


_ARROW = {
    "null": pa.null(),
    "bool": pa.bool_(),
    "int64": pa.int64(),
    "double": pa.float64(),
    "string": pa.string(),
}


def _arrow_schema(schema: SourceSchema) -> pa.Schema:
    return pa.schema([(name, _ARROW[kind]) for name, kind in schema.items()])
