"""Whatever a source sends lands as it came, or is set aside with the reason; the fast way and the exact way agree."""

import json
import tracemalloc
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datastream.catalog import SchemaSpec
from datastream.catalog.schema_spec import MAX_COLUMNS
from datastream.records import EXTRA
from datastream.sources.answer import Answer
from datastream.sources.learn import DeclaredOtherwise, Rules, learn
from datastream.sources.rows import Rows, parse

DOUBLE = {"id": "int53", "a": "double"}


def raw(*texts: str | bytes) -> list[msgspec.Raw]:
    return [msgspec.Raw(text if isinstance(text, bytes) else text.encode()) for text in texts]


def both(text: str | bytes, schema: dict[str, str], rules: Rules = Rules()) -> Rows:  # noqa: B008
    """Parse a record alone and beside one that sends the claim the exact way; return the first result."""
    alone, beside = parse(raw(text), schema, rules), parse(raw(text, "3"), schema, rules)
    assert alone.table.equals(beside.table) or "nan" in str(alone.table.to_pylist())
    assert alone.misfits == {at: reason for at, reason in beside.misfits.items() if at == 0}
    return alone


KEPT = {
    "the greatest int64": ("9223372036854775807", "int64", 2**63 - 1),
    "minus zero": ("-0.0", "double", -0.0),
    "the smallest double": ("5e-324", "double", 5e-324),
    "17 digits that a double has": ("0.30000000000000004", "double", 0.1 + 0.2),
    "zeros at the end": ("1.50000000000000000000", "double", 1.5),
    "NUL in text": ('"\\u0000"', "string", "\0"),
    "a pair of surrogates": ('"\\ud83d\\ude00"', "string", "\U0001f600"),
    "an empty struct": ("{}", "json", "{}"),
    "a mixed list": ('[1, "a", null, {"x": 1.0}]', "json", '[1, "a", null, {"x": 1.0}]'),
    "nested nulls": ('{"x": [null, {"y": null}]}', "json", '{"x": [null, {"y": null}]}'),
    "keys twice within": ('{"x": 1, "x": 2}', "json", '{"x": 1, "x": 2}'),
    "5,000 digits within": (f"[{'1' * 5000}]", "json", f"[{'1' * 5000}]"),
    "half a pair within": ('["\\ud800"]', "json", '["\\ud800"]'),
    "2^64 within": ("[18446744073709551616]", "json", "[18446744073709551616]"),
}
SET_ASIDE = {
    "2^64": ("18446744073709551616", "int64", "a is not int64"),
    "2^64 as a double": ("18446744073709551617", "double", "a is not double"),
    "5,000 digits": ("1" * 5000, "int64", "a is not int64"),
    "5,000 digits as a double": ("1" * 5000, "double", "a is not double: it has more digits than a double keeps"),
    "NaN": ("NaN", "double", "NaN is not JSON"),
    "infinity": ("-Infinity", "double", "-Infinity is not JSON"),
    "1e400": ("1e400", "double", "a is not double: it has more digits than a double keeps"),
    "1e-400": ("1e-400", "double", "a is not double: it has more digits than a double keeps"),
    "more digits": ("0.1000000000000000055", "double", "a is not double: it has more digits than a double keeps"),
    "more digits, no point": (
        "8000000000000001e-15",
        "double",
        "a is not double: it has more digits than a double keeps",
    ),
    "an exponent of many digits": (
        f"1e{'9' * 30}",
        "double",
        "a is not double: it has more digits than a double keeps",
    ),
    "minus zero, whole": ("-0.0", "int64", "a is not int64"),
    "half a surrogate pair": ('"\\ud800"', "string", "a is not string: it holds half a surrogate pair"),
    "nested in text": ("[1]", "string", "a is not string"),
    "too deep": ("[" * 100_000 + "]" * 100_000, "json", "nested too deeply"),
}


@pytest.mark.parametrize(("text", "kind", "value"), KEPT.values(), ids=KEPT.keys())
def test_a_value_lands_as_it_came(text: str, kind: str, value: Any) -> None:
    [row] = both(f'{{"id": 1, "a": {text}}}', {"id": "int53", "a": kind}).table.to_pylist()
    assert repr(row["a"]) == repr(value)


@pytest.mark.parametrize(("text", "kind", "reason"), SET_ASIDE.values(), ids=SET_ASIDE.keys())
def test_a_value_that_would_change_is_set_aside_with_the_reason(text: str, kind: str, reason: str) -> None:
    assert both(f'{{"id": 1, "a": {text}}}', {"id": "int53", "a": kind}).misfits == {0: reason}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ('{"a": 1, "id": 1, "a": 2}', "a stands twice in it"),
        ('{"a": 1, "\\u0061": 1}', "a stands twice in it"),
        ('{"\\ud800": 1}', "half a surrogate pair in a name"),
        (b'{"a": "\xff"}', "not UTF-8"),
        ('{"a": 1,}', "not JSON"),
        ("[1]", "not a JSON object"),
    ],
)
def test_a_record_that_is_none_is_set_aside_with_the_reason(record: str | bytes, reason: str) -> None:
    assert both(record, DOUBLE).misfits == {0: reason}


@given(st.decimals(allow_nan=False, allow_infinity=False), st.integers(0, 40))
def test_a_double_is_the_number_that_came_or_none(number: Decimal, zeros: int) -> None:
    """The digits are looked at only where a double may not have kept them; here they always are."""
    text = f"{number}{'0' * zeros if '.' in str(number) and 'E' not in str(number) else ''}"
    rows = parse(
        raw(*['{"a": 0.5, "s": "x-1234567890123456789"}'] * 7, f'{{"a":{text}}}'), {"a": "double", "s": "string"}
    )
    if 7 not in rows.misfits:
        landed = rows.table["a"][-1].as_py()
        assert Decimal(repr(landed)) == number
    else:
        assert Decimal(repr(float(number))) != number


def test_neighbours_of_a_record_that_cannot_be_decoded_stay_as_they_came() -> None:
    good = b'{"a": 1e400, "b": 1.0,  "a": 0.1000000000000000055}'
    for odd in (b'{"x": "\\ud800"}', b'{"x": NaN}', b'{"x": %s}' % (b"[" * 10_000 + b"]" * 10_000)):
        answer = Answer("u", b'{"data": [' + good + b" ," + odd + b', {}], "total": 3}')
        assert [bytes(one) for one in answer.records("data")] == [good, odd, b"{}"]
        assert answer.value("total") == 3


@pytest.mark.parametrize("name", ["", "x" * 256, "\u0000", "a\n", "A", "_COMMIT"], ids=repr)
def test_a_name_that_cannot_be_a_column_goes_into_the_extra_column(name: str) -> None:
    record = json.dumps({"a": 1, name: 0.5})
    rows = parse(raw('{"a": 1}', record), {"a": "int64"})
    assert rows.schema == {"a": "int64", EXTRA: "json"}
    assert [row[EXTRA] and json.loads(row[EXTRA]) for row in rows.table.to_pylist()] == [None, {name: 0.5}]
    again = parse(raw('{"a": 1}'), rows.schema)
    assert again.table.schema == rows.table.schema


def test_a_field_cannot_bear_the_name_of_the_extra_column() -> None:
    assert both('{"_extra": "{}"}', {"a": "int64", EXTRA: "json"}).misfits == {0: "_extra is our own name"}


def test_a_hundred_thousand_keys_make_a_thousand_columns_and_the_rest_is_kept() -> None:
    records = raw(*(json.dumps({f"k{row}_{n}": n for n in range(100)}) for row in range(1000)))
    tracemalloc.start()
    rows = parse(records, {})
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(rows.schema) == MAX_COLUMNS + 1
    assert (rows.misfits, len(rows.table)) == ({}, 1000)
    assert peak_bytes < 200 * 1024 * 1024
    last = rows.table.to_pylist()[-1]
    assert json.loads(last[EXTRA]) == {f"k999_{n}": n for n in range(100)}


def test_so_many_unknown_fields_are_told_in_few_words() -> None:
    """Each reason is a rule in the log."""
    records = raw(*(json.dumps({f"k{n}": n}) for n in range(1000)))
    rules = Rules(SchemaSpec(columns="quarantine_row", declared={"id": "int64"}))
    assert len(set(parse(records, {}, rules).misfits.values())) == 21


def test_half_a_million_keys_cost_no_more_than_what_they_are_kept_in() -> None:
    records = raw(*(json.dumps({f"k{row}_{n}": n for n in range(100)}) for row in range(5000)))
    tracemalloc.start()
    schema = learn((json.loads(bytes(record)) for record in records), {}, Rules())
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(schema), peak_bytes < 4 * 1024 * 1024) == (MAX_COLUMNS + 1, True)


def test_a_declared_column_may_not_differ_from_one_that_is_there_by_case_alone() -> None:
    with pytest.raises(DeclaredOtherwise, match="Declare that one"):
        parse(raw('{"id": 1}'), {"ID": "int64"}, Rules(SchemaSpec(declared={"id": "int64"})))
