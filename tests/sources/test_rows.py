"""JSON becomes columns without a change of a value; what does not fit is named, row by row."""

from typing import Any

import msgspec
import pyarrow as pa
import pytest

from datastream.sources.rows import Rows, parse


def raw(*texts: str) -> list[msgspec.Raw]:
    return [msgspec.Raw(text.encode()) for text in texts]


def rows(result: Rows) -> list[dict[str, Any]]:
    return result.table.to_pylist()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1", "int53"),
        ("-9007199254740992", "int53"),
        ("9007199254740993", "int64"),
        ("9223372036854775807", "int64"),
        ("-9223372036854775808", "int64"),
        ("1.5", "double"),
        ("true", "bool"),
        ('"2013-01-01T00:00:00Z"', "string"),
        ('"12"', "string"),
        ('"\\u0000 \\u00e9 \\ud83d\\ude00"', "string"),
        ("null", "null"),
    ],
)
def test_a_value_keeps_its_kind_and_its_value(text: str, kind: str) -> None:
    result = parse(raw(f'{{"a": {text}}}'), {})
    assert result.schema == {"a": kind}
    assert rows(result) == [{"a": msgspec.json.decode(text)}]


@pytest.mark.parametrize("text", ['{"x": 1}', "[1, 2]", "{}", "[]", '[{"b": [null]}]'])
def test_what_is_nested_becomes_json_text(text: str) -> None:
    [row] = rows(parse(raw(f'{{"a": {text}}}'), {}))
    assert msgspec.json.decode(row["a"]) == msgspec.json.decode(text)


def test_integers_and_fractions_in_one_column_are_fractions() -> None:
    assert rows(parse(raw('{"a": 1}', '{"a": 2.5}'), {})) == [{"a": 1.0}, {"a": 2.5}]


def test_a_field_that_is_missing_is_null() -> None:
    assert rows(parse(raw('{"a": 1}', '{"b": 2}'), {})) == [{"a": 1, "b": None}, {"a": None, "b": 2}]


def test_a_new_field_widens_the_known_schema() -> None:
    assert parse(raw('{"a": 1, "b": "x"}'), {"a": "int64"}).schema == {"a": "int64", "b": "string"}


def test_a_field_without_a_value_so_far_takes_the_type_of_its_first_value() -> None:
    assert parse(raw('{"a": 1.5}'), {"a": "null"}).schema == {"a": "double"}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int64", "1.5"),
        ("int64", '"1"'),
        ("int64", "true"),
        ("int64", "9223372036854775808"),
        ("int64", "1" * 400),
        ("double", '"x"'),
        ("double", "9007199254740993"),
        ("bool", "1"),
        ("string", "5"),
        ("string", '"\\ud800"'),
    ],
)
def test_a_value_that_does_not_fit_makes_its_row_a_misfit(kind: str, text: str) -> None:
    good = {"int64": "7", "double": "0.5", "bool": "true", "string": '"s"'}[kind]
    result = parse(raw(f'{{"a": {good}}}', f'{{"a": {text}}}', f'{{"a": {good}}}'), {"a": kind})
    assert list(result.positions) == [0, 2]
    assert list(result.misfits) == [1]


def test_a_whole_number_written_as_a_fraction_is_a_whole_number() -> None:
    assert rows(parse(raw('{"a": 3.0}'), {"a": "int64"})) == [{"a": 3}]


@pytest.mark.parametrize("others", [(), ("3",)], ids=["the fast way", "the exact way"])
@pytest.mark.parametrize("text", ["null", "{}"])
def test_a_record_without_any_field_is_a_row_without_values(text: str, others: tuple[str, ...]) -> None:
    """It has no key then, and is set aside for that."""
    assert rows(parse(raw('{"a": 1}', text, *others), {})) == [{"a": 1}, {"a": None}]


@pytest.mark.parametrize("text", ["3", "[]", '"text"', '{"a": NaN}', '{"a": 1'])
def test_what_is_no_object_is_a_misfit(text: str) -> None:
    result = parse(raw('{"a": 1}', text), {})
    assert list(result.misfits) == [1]
    assert rows(result) == [{"a": 1}]


def test_our_own_names_are_not_for_sources() -> None:
    result = parse(raw('{"a": 1}', '{"a": 1, "_record_id": "forged"}'), {})
    assert result.misfits == {1: "_record_id is our own name"}
    assert result.schema == {"a": "int53"}


def test_pretty_printed_records_are_read() -> None:
    assert rows(parse(raw('{\n "a": 1\n}', '{\n "a":\n 2\n}'), {"a": "int64"})) == [{"a": 1}, {"a": 2}]


def test_the_fast_way_and_the_exact_way_agree() -> None:
    """One misfit sends a whole claim the exact way; the other rows must not notice."""
    texts = [
        f'{{"i": {n}, "f": {n / 3}, "s": "{n} \\u00e9", "b": {str(n % 2 == 0).lower()}, "n": null}}'
        for n in range(2000)
    ]
    fast, exact = parse(raw(*texts), {}), parse(raw(*texts, "3"), {})
    assert list(exact.misfits) == [2000]
    assert fast.table.equals(exact.table)
    assert pa.types.is_null(fast.table.schema.field("n").type)
