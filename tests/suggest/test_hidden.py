"""No value of a person's data stands in a draft, neither in a rule nor in its evidence."""

import json
from typing import Any

import pyarrow as pa
import pytest

from datastream.suggest import suggest


def shown(column: str, values: list[Any], **options: Any) -> str:
    draft = suggest(pa.table({column: values}), "drafted", **options)
    assert draft.hidden == (column,)
    return json.dumps(draft.document)


@pytest.mark.parametrize("column", ["name", "shipTo_Name", "customer_id", "EMAIL", "phoneNumber", "iban", "birth_date"])
def test_what_is_called_like_personal_data_is_not_shown(column: str) -> None:
    document = shown(column, ["Maria Roe", "Jo Doe"] * 100)
    assert "Maria" not in document
    assert "of 200 rows" in document


@pytest.mark.parametrize(
    "value",
    ["maria@example.org", "Maria <maria@example.org>", "+49 170 1234567", "(212) 555-0134", "078-05-1120",
     "DE89 3704 0044 0532 0130 00", "4111 1111 1111 1111", "192.168.0.17"],
)  # fmt: skip
def test_a_single_value_that_reads_like_personal_data_hides_its_column(value: str) -> None:
    assert value not in shown("x", ["other", "another"] * 100 + [value] * 100)


def test_what_a_stream_declares_as_personal_is_not_shown() -> None:
    assert "Roe" not in shown("x", ["Roe-1234", "Roe-1235"] * 100, hidden=["x"])
    assert "17" not in shown("x", [17] * 200, hidden={"x"})
    assert "between" not in shown("x", [1.5, 2.5] * 100, hidden={"x"})


def test_no_prefix_that_all_values_share_is_shown() -> None:
    assert "Roe" not in shown("x", [f"Roe-{n:04}" for n in range(200)], hidden=["x"])


def test_ids_and_dates_are_not_taken_for_telephone_numbers() -> None:
    table = pa.table({"at": ["2026-01-01", "2026-01-02"] * 50, "order": ["12-3456-7", "12-3456-8"] * 50})
    assert suggest(table, "drafted").hidden == ()
