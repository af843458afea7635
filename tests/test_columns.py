"""All files of a stream agree on what a column is: its type stays, or is widened where no value changes."""

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from datastream.catalog.types import parse_type, text_of
from datastream.columns import ColumnChanged, hold
from tests.conftest import stream_of

MS, US, ZONED = pa.timestamp("ms"), pa.timestamp("us"), pa.timestamp("us", "UTC")


def held(before: str, values: list[Any], kind: pa.DataType, schema: str = "evolve") -> tuple[pa.Table, str]:
    table, columns = hold(pa.table({"a": pa.array(values, kind)}), {"a": before}, stream_of(schema=schema))
    return table, columns["a"]


@pytest.mark.parametrize(
    ("before", "values", "kind", "after"),
    [
        ("int53", [1], pa.int32(), "int53"),
        ("int53", [None], pa.null(), "int53"),
        ("int53", [1.0, None], pa.float64(), "int53"),
        ("int53", [2**53 + 1], pa.int64(), "int64"),
        ("int53", [1.5], pa.float64(), "double"),
        ("int32", [2**40], pa.int64(), "int53"),
        ("double", [1], pa.int64(), "double"),
        ("float", [0.1], pa.float64(), "double"),
        ("timestamp[us]", [5], MS, "timestamp[us]"),
        ("timestamp[ms]", [5], US, "timestamp[us]"),
        ("decimal128(5, 2)", [None], pa.decimal128(7, 4), "decimal128(5, 2)"),
        ("decimal128(5, 2)", [None], pa.decimal128(9, 2), "decimal128(5, 2)"),
        ("string", ["x"], pa.large_string(), "string"),
        ("string", ["x"], pa.dictionary(pa.int8(), pa.string()), "string"),
        ("list<item: int64>", [[1]], pa.list_(pa.int32()), "list<item: int64>"),
        ("struct<x: int64>", [{"x": 1}], pa.struct([("x", pa.int8())]), "struct<x: int64>"),
    ],
)
def test_a_column_that_comes_as_another_type_is_brought_back_or_widened(
    before: str, values: list[Any], kind: pa.DataType, after: str
) -> None:
    table, found = held(before, values, kind)
    assert (found, table.schema.field("a").type) == (after, parse_type(after))
    assert [str(value) for value in table["a"].cast(kind if kind != pa.null() else parse_type(after)).to_pylist()] == [
        str(value) for value in pa.array(values, kind).to_pylist()
    ]


@pytest.mark.parametrize(
    ("before", "values", "kind"),
    [
        ("int64", [1.5], pa.float64()),
        ("int53", ["1"], pa.string()),
        ("double", [2**53 + 1], pa.int64()),
        ("timestamp[us]", [5], ZONED),
        ("date32[day]", [5], US),
        ("timestamp[us]", [5], pa.timestamp("ns")),
        ("bool", [1], pa.int64()),
        ("int53", [2**64 - 1], pa.uint64()),
        ("struct<x: int64>", [{"y": 1}], pa.struct([("y", pa.int64())])),
    ],
)
def test_a_column_that_has_no_place_for_a_value_stops_the_run(
    before: str, values: list[Any], kind: pa.DataType
) -> None:
    with pytest.raises(ColumnChanged, match=r"The column 'a' of orders is .* Put it back, cast it"):
        held(before, values, kind)


@pytest.mark.parametrize("word", ["freeze", "quarantine_row"])
def test_a_column_is_widened_only_where_types_evolve(word: str) -> None:
    assert held("int53", [2.0], pa.float64(), word)[1] == "int53"
    with pytest.raises(ColumnChanged):
        held("int53", [1.5], pa.float64(), word)


def test_columns_are_remembered_when_a_claim_is_without_them() -> None:
    table = pa.table({"_record_id": ["r"], "b": [1], "c": pa.nulls(1)})
    assert hold(table, {"a": "string"}, stream_of())[1] == {"a": "string", "b": "int53"}


NAMES = ["int64", "bool", "date32[day]", "timestamp[us, tz=UTC]", "decimal128(12, 2)", "list<list<string>>", "binary",
         'struct<a: int64, "b: \\"c\\", <": list<struct<x: date32[day]>>>', "map<string, int64>", "time64[ns]",
         "fixed_size_binary[4]", "large_string", "duration[ms]", "fixed_size_list<item: int64>[2]"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_text_of_a_type_reads_as_the_type(name: str) -> None:
    kind = parse_type(name)
    assert parse_type(text_of(kind)) == kind


@pytest.mark.parametrize("name", [name for name in NAMES if '"' not in name])
def test_what_arrow_writes_of_a_type_reads_as_the_type(name: str) -> None:
    assert parse_type(str(parse_type(name))) == parse_type(name)


def test_a_decimal_gets_more_digits_before_its_point_but_never_behind() -> None:
    big = [Decimal("12345678.90")]
    assert held("decimal128(5, 2)", big, pa.decimal128(10, 2))[1] == "decimal128(10, 2)"
    with pytest.raises(ColumnChanged):
        held("decimal128(5, 2)", [Decimal("0.123")], pa.decimal128(5, 3))
