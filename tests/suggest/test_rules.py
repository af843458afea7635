"""What is drafted of a column, and what is not, because the next rows may well be otherwise."""

import datetime as dt
import json
import math
import random
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from datastream.quality import DataRefused, SuiteErrored, read_data, validate
from datastream.suggest import Draft, suggest

DAY = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - a naive one


def drafted(values: Any, **options: Any) -> dict[str, str]:
    """Return the rules of one column `x`, each with its evidence."""
    return said(suggest(pa.table({"x": values}), "drafted", **options))


def said(draft: Draft) -> dict[str, str]:
    return {rule.label: seen for rule, seen in zip(draft.suite.rules, draft.evidence, strict=True)}


def severities(draft: Draft) -> dict[str, str]:
    return {rule.label: rule.severity for rule in draft.suite.rules}


def mixed(count: int, *values: Any) -> list[Any]:
    return [values[at % len(values)] for at in range(count)]


def test_a_key_is_critical_and_what_is_only_usual_a_warning() -> None:
    table = pa.table({"order": [f"ORD-{n:05}" for n in range(200)], "amount": mixed(200, 1.5, 2.5, 9.0)})
    found = severities(suggest(table, "drafted", key=["order"]))
    assert {label for label, severity in found.items() if severity == "critical"} == {
        "order not null", "order unique", "amount is one of {int, float, Int64Dtype}",
    }  # fmt: skip


def test_the_fields_of_a_key_are_unique_together() -> None:
    table = pa.table({"shop": mixed(100, "a", "b"), "number": [n // 2 for n in range(100)]})
    assert said(suggest(table, "drafted", key=["shop", "number"]))["{shop, number} unique together"] == (
        "100 different keys in 100 rows"
    )
    assert "{shop, number} unique together" not in said(suggest(table.slice(0, 1), "drafted", key=["shop", "x"]))


def test_a_key_that_is_not_unique_is_not_drafted_as_such() -> None:
    assert "x unique" not in drafted(mixed(100, 1, 2, 3), key=["x"])


def test_numbers_that_differ_by_chance_are_not_unique() -> None:
    chance = random.Random(1)
    assert "x unique" not in drafted([chance.randrange(10**9) for _ in range(200)])
    assert "x unique" in drafted(list(range(5000, 5200)))


def test_times_that_differ_are_not_asked_to() -> None:
    assert "x unique" not in drafted([f"2026-01-01T00:{n:02}:00Z" for n in range(60)])


def test_nulls_are_tolerated_with_a_margin_from_the_worst_tenth() -> None:
    values = [None if 100 <= row < 120 else row % 7 for row in range(1000)]
    assert drafted(values)["x not null (in 65.7% or more)"] == (
        "20 of 1,000 rows are null (2.00%), 20.00% in the worst tenth"
    )


def test_a_column_that_is_mostly_null_is_not_asked_for_values() -> None:
    assert not any("not null" in label for label in drafted(mixed(900, None, None, 1.5)))


def test_nan_is_null() -> None:
    found = drafted([float("nan") if row % 50 == 0 else 0.5 + row for row in range(1000)])
    assert any(evidence.startswith("20 of 1,000 rows are null") for evidence in found.values())


def test_a_set_is_drafted_of_few_values_that_each_come_often() -> None:
    assert drafted(mixed(300, "a", "b", "c"))["x in {a, b, c}"] == "3 values, the rarest 100 times"
    assert not any(" in {" in label for label in drafted([*mixed(300, "a", "b"), "c"]))


def test_a_set_that_changes_along_the_rows_is_not_closed() -> None:
    """The months of a file in the order of time: the next one is new."""
    assert not any(" in {" in label for label in drafted(["january"] * 200 + ["february"] * 200))


def test_a_constant_is_told_as_one_value() -> None:
    assert drafted([7] * 200)["x in {7}"] == "one value, 200 times"


@pytest.mark.parametrize(
    ("values", "looks_like", "wrong"),
    [
        ([str(uuid.UUID(int=n << 64)) for n in range(50)], "a UUID", "00000000-0000-0000-0000-00000000000"),
        ([f"01ARZ3NDEKTSV4RRFFQ69G5F{n:02}" for n in range(50)], "a ULID", "01ARZ3NDEKTSV4RRFFQ69G5FUU"),
        ([f"u{n}@example.org" for n in range(50)], "an email address", "u1.example.org"),
        ([f"2026-01-{1 + n % 28:02}" for n in range(50)], "a date", "2026-13-01"),
        ([f"2026-01-{1 + n % 28:02}T01:00:00.5Z" for n in range(50)], "a time", "2026-01-01T01:99:00Z"),
        ([f"https://example.org/{n}" for n in range(50)], "a web address", "example.org/1"),
        ([f"ORD-{n:06}" for n in range(50)], "ORD- and digits", "ORD-12345"),
        ([f"{n:032x}" for n in range(50)], "hexadecimal", "g" * 32),
        ([f"{n}" for n in range(50)], "digits", "5a"),
        ([chr(65 + n // 26) + chr(65 + n % 26) + "X" for n in range(50)], "a code of capitals", "AA1"),
    ],
)
def test_what_texts_look_like_is_drafted_and_finds_what_does_not(
    values: list[str], looks_like: str, wrong: str
) -> None:
    draft = suggest(pa.table({"x": values}), "drafted")
    evidence = {rule.type: seen for rule, seen in zip(draft.suite.rules, draft.evidence, strict=True)}
    assert evidence["expect_column_values_to_match_regex"].startswith(f"{looks_like}: all of 50 match")
    assert 50 in validate(pa.table({"x": [*values, wrong]}), draft.suite).bad_rows


def test_ten_codes_without_a_digit_do_not_mean_that_none_has_one() -> None:
    codes = [chr(65 + n) * 2 for n in range(12)]
    assert not any("[A-Z]{2}" in label for label in drafted(codes * 4))
    assert any("[A-Z0-9]{2}" in label for label in drafted(codes * 4))


def test_free_text_is_asked_for_its_length_alone() -> None:
    values = [f"{'word ' * (n % 9 + 1)}{n}?" for n in range(200)]
    assert set(drafted(values)) == {"x not null", "length of x between 1 and 98"}


def test_a_range_leaves_room_and_does_not_leave_nature() -> None:
    chance = random.Random(1)
    month = suggest(pa.table({"month": mixed(200, 3, 4, 5)}), "drafted")
    assert "month between 1 and 12" in said(month)
    assert "x between 0 and 131" in drafted([chance.randrange(1, 101) + 5 for _ in range(500)])
    assert "x between -62 and 0" in drafted([-chance.randrange(1, 51) for _ in range(500)])


def test_a_counter_has_no_upper_bound() -> None:
    assert drafted(list(range(1000, 1400)))["x >= 0"].endswith("and growing")


def test_a_value_that_stretches_the_range_alone_is_told() -> None:
    evidence = drafted([*mixed(4000, 1.5, 7.5), 1048.5])
    assert any(seen.endswith("to 1,048.5, all but 0.1% up to 7.5") for seen in evidence.values())


def test_infinite_numbers_have_no_range() -> None:
    assert not any("between" in label for label in drafted([math.inf, *mixed(100, 1.5, 2.5)]))


def test_times_may_go_on_for_years_and_not_for_ever() -> None:
    days = [DAY + dt.timedelta(days=day) for day in range(100)]
    assert "x between 2025-01-01T00:00:00 and 2036-01-01T00:00:00" in drafted(pa.array(days, pa.timestamp("us")))


def test_an_end_is_not_before_its_start_where_both_names_say_so_and_each_row_does() -> None:
    start = [7 * row % 100 for row in range(200)]
    end = [value + row % 5 for row, value in enumerate(start)]
    found = said(suggest(pa.table({"start_at": start, "end_at": end, "other": end}), "drafted"))
    assert [label for label in found if ">= start_at" in label] == ["end_at >= start_at"]
    assert found["end_at >= start_at"] == "so in all of 200 rows, equal in 40"
    end[7] = -1
    assert "end_at >= start_at" not in said(suggest(pa.table({"start_at": start, "end_at": end}), "drafted"))


def test_each_column_is_named_by_a_rule_so_that_a_lost_one_is_noticed() -> None:
    table = pa.table(
        {"a": mixed(50, 1, 2), "empty": pa.nulls(50), "nested": mixed(50, {"k": 1}), "list": mixed(50, [1])}
    )
    suite = suggest(table, "drafted").suite
    assert {name for rule in suite.rules for name in rule.columns} == set(table.column_names)
    assert not validate(table.drop_columns(["empty"]), suite).success
    with pytest.raises(SuiteErrored, match="nested"):
        validate(table.drop_columns(["nested"]), suite)


ODD = {
    "nothing": pa.nulls(40),
    "no text": pa.array([None] * 40, pa.string()),
    "nan": pa.array([math.nan] * 40),
    "struct": pa.array([{"a": 1}] * 40),
    "list": pa.array([[1]] * 40),
    "map": pa.array([[("a", 1)]] * 40, pa.map_(pa.string(), pa.int64())),
    "bytes": pa.array([b"\xff\x00"] * 40),
    "date": pa.array([DAY.date()] * 40),
    "clock": pa.array([dt.time(1)] * 40),
    "span": pa.array([dt.timedelta(1)] * 40),
    "decimal": pa.array([Decimal(n) / 10 for n in range(40)]),
    "half": pa.array([1.5] * 40, pa.float16()),
    "huge": pa.array([2**64 - 1 - n for n in range(40)], pa.uint64()),
    "not exact in a double": pa.array([None, *range(2**60, 2**60 + 39)]),
    "one number": pa.array([0.3] * 40),
    "tiny": pa.array([5e-324, 0.0] * 20),
    "vast": pa.array([1.7e308, -1.7e308] * 20),
    "small": pa.array([None, *range(39)], pa.int8()),
    "flag": pa.array([True, None] * 20),
    "dictionary": pa.array(["a", "b"] * 20).dictionary_encode(),
    "view": pa.array(["a", "b"] * 20, pa.string_view()),
    "year 3": pa.array([dt.datetime(3, 1, 1)] * 40, pa.timestamp("us")),  # noqa: DTZ001 - a naive one
    "year 9999": pa.array([dt.datetime(9999, 12, 31, tzinfo=dt.UTC)] * 40, pa.timestamp("us", "UTC")),
    "long": pa.array(["x" * 100_000 + str(n) for n in range(40)]),
}


@pytest.mark.parametrize("rows", [0, 1, 40])
@pytest.mark.parametrize("kind", ODD)
def test_any_column_has_a_draft_that_it_meets(kind: str, rows: int) -> None:
    table = pa.table({kind: ODD[kind].slice(0, rows)})
    draft = suggest(table, "drafted")
    assert validate(table, draft.suite).success
    assert draft.dropped == ()


def test_records_of_several_types_have_a_draft_that_they_meet() -> None:
    frame = pd.DataFrame({"h": mixed(60, 2**70, None, 3), "m": mixed(60, 1, "x", None), "o": mixed(60, {"a": 1}, [1])})
    draft = suggest(frame, "drafted")
    assert {"h is one of {int}", "m is one of {int, str}", "o is one of {dict, list}"} <= set(said(draft))
    assert validate(frame, draft.suite).success


def test_no_rule_is_lost_where_there_are_too_many_to_be_asked_about_at_once() -> None:
    table = pa.table({f"c{n}": mixed(100, 1.5, 2.5) for n in range(70)})
    assert len(suggest(table, "drafted").suite.rules) == 210


def test_data_without_columns_and_with_one_twice_is_refused_in_a_sentence() -> None:
    with pytest.raises(DataRefused, match="no columns, so there is nothing to draft"):
        suggest(pa.table({}), "drafted")
    with pytest.raises(DataRefused, match="Column 'a' occurs 2 times"):
        suggest(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), "drafted")


def test_a_value_of_another_type_in_a_file_is_found(tmp_path: Path) -> None:
    """Among numbers, too, which Great Expectations cannot compare it with: it is asked about the others."""
    clean = [{"code": f"{chr(65 + n % 26)}{chr(65 + n % 25)}", "n": n % 7} for n in range(400)]
    (tmp_path / "clean.jsonl").write_text("\n".join(map(json.dumps, clean)))
    suite = suggest(read_data(tmp_path / "clean.jsonl"), "drafted").suite
    (tmp_path / "text.jsonl").write_text("\n".join(map(json.dumps, [*clean, {"code": 5, "n": 1}])))
    assert validate(read_data(tmp_path / "text.jsonl"), suite).bad_rows == [400]
    (tmp_path / "number.jsonl").write_text("\n".join(map(json.dumps, [*clean, {"code": "AZ", "n": "many"}])))
    assert validate(read_data(tmp_path / "number.jsonl"), suite).bad_rows == [400]


def test_the_draft_is_great_expectations_own_json() -> None:
    from great_expectations.core import ExpectationSuite

    document = suggest(pa.table({"x": mixed(200, "a", "b")}), "drafted").document
    suite = ExpectationSuite(**json.loads(json.dumps(document)))
    assert [each.notes for each in suite.expectations] == ["0 of 200 rows are null", "2 values, the rarest 100 times"]
