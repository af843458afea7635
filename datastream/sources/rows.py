"""Turns raw JSON records into an Arrow table: a value is kept as it is, or its row is named as one that does not fit.

All at once where every value fits, else record by record, with the same result. Types are declared, or learned from the
values, and kept in the log, so that later claims agree with earlier ones; what is nested and not declared becomes JSON
text. What does not fit makes its row a misfit, which the pipeline sets aside, or ends the run, as the stream says.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from datastream.catalog.schema_spec import MAX_COLUMNS
from datastream.catalog.types import JSON, SMALL, parse_type
from datastream.records import EXTRA
from datastream.sources.exactly import objects, parse_exactly
from datastream.sources.fit import EXACT, times
from datastream.sources.learn import Rules, SourceSchema, before, learn
from datastream.sources.rounded import is_rounded

_BRACE = ord("{")
_BLOCK_BYTES = 4 * 1024 * 1024
_SAMPLE = 1_000
_ANY = Rules()


class Rows(NamedTuple):
    """The records of a claim as columns. `positions[i]` is the place in the claim of the table's row i."""

    table: pa.Table
    positions: Sequence[int]
    misfits: dict[int, str]
    """Place in the claim to the reason why the record is no row."""
    schema: dict[str, str]


def parse(records: Sequence[msgspec.Raw], known: SourceSchema, rules: Rules = _ANY) -> Rows:
    """Return the records as rows of the `known` schema, widened as the rules allow.

    Raises SchemaFrozen and DeclaredOtherwise.
    """
    schema = before(known, rules)
    if not records:
        return Rows(_arrow_schema(schema).empty_table(), [], {}, schema)
    if not known:
        schema = learn(objects(records[:_SAMPLE], rules.reserved)[0].values(), known, rules)
    table = _parse_fast(records, schema)
    if table is None or table.num_rows != len(records):
        return Rows(*parse_exactly(records, known, rules))
    return Rows(table, range(len(records)), {}, _with_greater(schema, table, rules))


def _parse_fast(records: Sequence[msgspec.Raw], schema: SourceSchema) -> pa.Table | None:
    """Parse in one go, in parallel; None if anything at all does not fit, or may have been changed."""
    wanted = _arrow_schema({name: kind for name, kind in schema.items() if name != EXTRA})
    plain = all(kind != JSON and not pa.types.is_nested(wanted.field(name).type) for name, kind in _columns(schema))
    if not len(wanted) or len(wanted) > MAX_COLUMNS or not plain:
        return None
    if any(memoryview(record)[0] != _BRACE for record in records):
        return None  # Arrow's parser ends the process on a line that is no object
    text = b"\n".join(records)
    try:
        table = pj.read_json(
            pa.BufferReader(text),
            read_options=pj.ReadOptions(block_size=max(_BLOCK_BYTES, max(map(len, records)) + 1)),
            parse_options=pj.ParseOptions(
                explicit_schema=pa.schema([(f.name, pa.string() if _is_time(f.type) else f.type) for f in wanted]),
                unexpected_field_behavior="error",
                newlines_in_values=text.count(b"\n") >= len(records),
            ),
        )
        table.validate(full=True)  # it takes bytes that are no UTF-8 for text
    except pa.ArrowInvalid:
        return None
    return None if is_rounded(records, text, table) else _completed(table, wanted, schema)


def _columns(schema: SourceSchema) -> list[tuple[str, str]]:
    return [(name, kind) for name, kind in schema.items() if name != EXTRA]


def _completed(table: pa.Table, wanted: pa.Schema, schema: SourceSchema) -> pa.Table | None:
    """Return the table with texts as the times they were declared to be; None if one of them is none."""
    for at, field in enumerate(wanted):
        if _is_time(field.type):
            column = times(table.column(at), field.type)
            if column is None:
                return None
            table = table.set_column(at, field, column)
    if EXTRA in schema:
        table = table.append_column(EXTRA, pa.nulls(table.num_rows, pa.string())).select(list(schema))
    return table


def _is_time(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _with_greater(schema: SourceSchema, table: pa.Table, rules: Rules) -> dict[str, str]:
    """Return the schema with columns remembered that now hold a number which a double may not."""
    found = dict(schema)
    for name, kind in schema.items():
        if kind == SMALL and name not in rules.spec.declared:
            ends = pc.min_max(table[name]).as_py()
            if ends["min"] is not None and max(-ends["min"], ends["max"]) > EXACT:
                found[name] = "int64"
    return found


def _arrow_schema(schema: SourceSchema) -> pa.Schema:
    return pa.schema([(name, parse_type(kind)) for name, kind in schema.items()])
