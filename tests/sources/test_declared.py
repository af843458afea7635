"""What a stream declares, and how it takes what it does not expect: evolve, freeze, or set the row aside."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from datastream.catalog import SchemaSpec
from datastream.sources.exactly import SchemaFrozen
from datastream.sources.learn import DeclaredOtherwise, Rules
from datastream.sources.rows import Rows, parse

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def raw(*texts: str) -> list[msgspec.Raw]:
    return [msgspec.Raw(text.encode()) for text in texts]


def rules(word: str = "evolve", **changes: Any) -> Rules:
    return Rules(SchemaSpec.model_validate({"columns": word, "types": word, **changes}))


def both(declared: Any, text: str) -> Rows:
    """Parse alone and beside a misfit, which sends the claim the exact way."""
    said = rules(declared={"a": declared})
    alone, beside = parse(raw(f'{{"a": {text}}}'), {}, said), parse(raw(f'{{"a": {text}}}', "3"), {}, said)
    assert alone.table.equals(beside.table)
    return alone


@pytest.mark.parametrize(
    ("declared", "text", "value"),
    [
        ("timestamp", '"2026-01-01T12:00:00Z"', NOON),
        ("timestamp", '"2026-01-01 12:00"', NOON),
        ("timestamp", '"2026-01-01T14:00:00.000000+02:00"', NOON),
        ("date", '"2026-01-01"', date(2026, 1, 1)),
        ("decimal(12,2)", "12.30", Decimal("12.30")),
        ("decimal(12,2)", '"9999999999.99"', Decimal("9999999999.99")),
        (
            "decimal(38,19)",
            "1234567890123456789.0123456789012345678",
            Decimal("1234567890123456789.0123456789012345678"),
        ),
        ("list<int64>", "[1, null]", [1, None]),
        ({"zip": "string", "at": "date"}, '{"zip": "0", "at": null}', {"zip": "0", "at": None}),
        ("list<struct<x: double>>", '[{"x": 0.5}, {}]', [{"x": 0.5}, {"x": None}]),
        ("json", '"text"', '"text"'),
        ("double", "1", 1.0),
        ("string", "null", None),
    ],
)
def test_a_value_is_stored_as_what_it_is_declared_to_be(declared: Any, text: str, value: Any) -> None:
    [row] = both(declared, text).table.to_pylist()
    assert row == {"a": value}


@pytest.mark.parametrize(
    ("declared", "text", "reason"),
    [
        ("timestamp", '"2026-01-01T12:00:00.1234567Z"', "a is not timestamp"),
        ("timestamp", '"9999-12-31T23:59:59-14:00"', "a is not timestamp"),
        ("timestamp", '"2026-01-01"', "a is not timestamp"),
        ("timestamp", "1767268800", "a is not timestamp"),
        ("date", '"2026-02-30"', "a is not date"),
        ("decimal(12,2)", "12.345", "a is not decimal(12,2)"),
        ("decimal(12,2)", "10000000000", "a is not decimal(12,2)"),
        ("decimal(12,2)", '"1e400"', "a is not decimal(12,2)"),
        ("decimal(12,2)", "4e-65", "a is not decimal(12,2)"),
        ("list<int64>", "[1.5]", "a is a list with what is not int64"),
        ({"zip": "string"}, '{"zip": 5}', "a is a struct whose zip is not string"),
        ({"zip": "string"}, '{"city": "x"}', "a is a struct of other fields"),
        ({"zip": "string"}, '{"zip": "1", "zip": "2"}', "a is not a struct: a key stands twice in it"),
        ("int64", "1.5", "a is not int64"),
    ],
)
def test_a_value_that_is_not_what_is_declared_is_set_aside(declared: Any, text: str, reason: str) -> None:
    assert both(declared, text).misfits == {0: reason}


def test_a_declared_column_is_there_before_it_has_a_value_and_keeps_its_type() -> None:
    rows = parse(raw('{"b": 1}'), {}, rules(declared={"a": "date"}))
    assert rows.table.schema.field("a").type == pa.date32()
    assert parse(raw('{"a": 1.5}'), {"a": "int53"}, rules(declared={"a": "int64"})).misfits == {0: "a is not int64"}


def test_a_column_of_whole_numbers_is_widened_by_a_fraction() -> None:
    rows = parse(raw('{"a": 1}', '{"a": 1.5}'), {"a": "int53"}, rules())
    assert (rows.schema, rows.table["a"].to_pylist(), rows.misfits) == ({"a": "double"}, [1.0, 1.5], {})


@pytest.mark.parametrize("others", [(), ("3",)], ids=["the fast way", "the exact way"])
def test_a_column_that_held_a_greater_number_is_widened_no_more(others: tuple[str, ...]) -> None:
    """A double would round it, in a file that is written already."""
    rows = parse(raw(f'{{"a": {2**53 + 1}}}', *others), {"a": "int53"}, rules())
    assert rows.schema == {"a": "int64"}
    assert parse(raw('{"a": 1.5}'), rows.schema, rules()).misfits == {0: "a is not int64"}


def test_a_column_that_ids_are_made_of_is_never_widened() -> None:
    """1 and 1.0 have not the same id: every record would be loaded again."""
    said = rules()._replace(identity=frozenset({"a"}))
    assert parse(raw('{"a": 1.5}'), {"a": "int53"}, said).misfits == {0: "a is not int64"}
    with pytest.raises(DeclaredOtherwise, match="Declare it as string, or give the stream another name"):
        parse(raw('{"a": "1"}'), {"a": "string"}, said._replace(spec=SchemaSpec(declared={"a": "timestamp"})))


@pytest.mark.parametrize(
    ("record", "reason"), [('{"a": 1, "b": 2}', "b is no column"), ('{"a": 1.5}', "a is not int64")]
)
def test_rows_that_are_not_expected_are_set_aside(record: str, reason: str) -> None:
    rows = parse(raw('{"a": 1}', record), {"a": "int53"}, rules("quarantine_row"))
    assert (rows.schema, rows.misfits) == ({"a": "int53"}, {1: reason})


@pytest.mark.parametrize(
    ("record", "said"),
    [('{"a": 1, "b": "new"}', 'b is no column: "new"'), ('{"a": 1.5}', "a is not int64: 1.5")],
)
def test_a_frozen_schema_ends_the_run_with_field_and_value(record: str, said: str) -> None:
    with pytest.raises(SchemaFrozen, match=f"1 of 2 records .*{said}.*Declare the field"):
        parse(raw('{"a": 1}', record), {"a": "int53"}, rules("freeze"))


def test_the_first_claim_of_a_frozen_stream_says_what_is_frozen_unless_the_file_does() -> None:
    assert parse(raw('{"a": 1}'), {}, rules("freeze")).schema == {"a": "int53"}
    with pytest.raises(SchemaFrozen):
        parse(raw('{"a": 1}'), {}, rules("freeze", declared={"b": "int64"}))


def test_columns_may_be_frozen_while_types_evolve() -> None:
    said = rules(columns="freeze", types="evolve")
    assert parse(raw('{"a": 1.5}'), {"a": "int53"}, said).schema == {"a": "double"}
    with pytest.raises(SchemaFrozen):
        parse(raw('{"b": 1}'), {"a": "int53"}, said)
