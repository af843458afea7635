"""Which files go together, and in which columns: those that the stream's lanes agreed on, where no value changes."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from datastream.catalog.types import parse_type
from datastream.lake.live import live
from datastream.lake.parquet import table
from datastream.lake.store import MemoryStore
from datastream.lake.tables import read
from tests.upkeep.kept import Kept

EXACT = 2**53
"""Up to here a double holds every whole number."""
ZONED = datetime(2026, 1, 1, 0, 0, 0, 1000, tzinfo=UTC)
TIME = ZONED.replace(tzinfo=None, microsecond=1)


class CountingStore(MemoryStore):
    """It counts how often each object is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: Counter[str] = Counter()

    def read(self, key: str) -> bytes | None:
        self.reads[key] += 1
        return super().read(key)


def columns(kept: Kept, name: str) -> list[pa.ChunkedArray]:
    """Return a column of each file, in their order."""
    return [table(kept.store.read(held.key) or b"")[name] for held in live(kept.store, "orders").data]


def test_whole_numbers_and_fractions_of_a_column_become_one_file_of_equal_values(everywhere: Kept) -> None:
    everywhere.commit(range(3), size=pa.array([1, EXACT, -EXACT], pa.int64()))
    everywhere.commit(range(3, 5), size=pa.array([0.5, None], pa.float64()))
    everywhere.agree(size="double")
    [rewrite] = everywhere.compact()
    [size] = columns(everywhere, "size")
    assert (size.type, size.to_pylist()) == (pa.float64(), [1, EXACT, -EXACT, 0.5, None])
    assert ([int(number) for number in size.to_pylist()[:3]], rewrite.moved) == ([1, EXACT, -EXACT], 5)
    assert read(everywhere.store, "orders")["id"].to_pylist() == list(range(5))
    assert everywhere.problems == []


@pytest.mark.parametrize(
    ("agreed", "kind", "value"),
    [
        ("double", pa.int64(), EXACT + 1),
        ("double", pa.int64(), -EXACT - 1),
        ("list<double>", pa.list_(pa.int64()), [1, EXACT + 1]),
        ("struct<x: double>", pa.struct([("x", pa.int64())]), {"x": EXACT + 1}),
        ("struct<x: int64, y: string>", pa.struct([("x", pa.int64())]), {"x": 1}),
        ("float", pa.float64(), 0.1),
        ("int64", pa.uint64(), 2**63),
        ("int53", pa.float64(), 0.5),
        ("int53", pa.string(), "1"),
        ("bool", pa.int64(), 1),
        ("timestamp[ms]", pa.timestamp("us"), TIME),
        ("timestamp[us]", pa.timestamp("us", "UTC"), ZONED),
        ("date", pa.timestamp("us"), TIME),
        ("decimal(5,2)", pa.decimal128(6, 3), Decimal("0.125")),
        ("decimal(5,2)", pa.decimal128(9, 2), Decimal("12345.00")),
    ],
)
def test_a_value_that_has_no_place_in_the_agreed_column_keeps_its_file_apart(
    agreed: str, kind: pa.DataType, value: Any
) -> None:
    kept = Kept(MemoryStore())
    kept.agree(size=agreed)
    for number in range(5):
        size = pa.array([value], kind) if number == 2 else pa.nulls(1, parse_type(agreed))
        kept.commit(range(number, number + 1), size=size)
    kept.compact()
    found = columns(kept, "size")
    assert [column.to_pylist() for column in found] == [[None, None], [value], [None, None]]
    assert found[1].type == kind
    assert (kept.compact(), kept.problems) == ([], [])
    assert [ids.to_pylist() for ids in columns(kept, "id")] == [[0, 1], [2], [3, 4]]


@pytest.mark.parametrize(
    ("agreed", "kind", "value"),
    [
        ("int53", pa.int32(), 5),
        ("double", pa.float32(), 0.25),
        ("json", pa.string(), '{"a": [1.50]}'),
        ("string", pa.large_string(), "x"),
        ("timestamp[us, tz=UTC]", pa.timestamp("ms", "UTC"), ZONED),
        ("decimal128(9, 2)", pa.decimal128(5, 2), Decimal("1.50")),
        ("list<double>", pa.list_(pa.int64()), [1, None, EXACT]),
        ("struct<x: double>", pa.struct([("x", pa.int64())]), {"x": EXACT}),
        ("map<string, double>", pa.map_(pa.string(), pa.int64()), [("a", 1)]),
        ("struct<x: list<string>>", pa.null(), None),
    ],
)
def test_a_column_of_an_older_type_goes_together_with_what_it_became(
    agreed: str, kind: pa.DataType, value: Any
) -> None:
    kept = Kept(MemoryStore())
    kept.agree(size=agreed)
    kept.commit(range(1), size=pa.array([value], kind))
    kept.commit(range(1, 2), size=pa.array([value], parse_type(agreed)))
    kept.compact()
    [size] = columns(kept, "size")
    assert (size.type, size.to_pylist()) == (parse_type(agreed), [value, value])


def test_a_column_that_came_later_or_became_wider_loses_nothing(kept: Kept) -> None:
    kept.commit(range(3), size=pa.array([1, 2, 3], pa.int32()))
    kept.commit(range(3, 6), size=pa.array([2**40] * 3, pa.int64()), colour=pa.array(["red"] * 3))
    kept.agree(size="int53", colour="string")
    kept.compact()
    [size], [colour] = columns(kept, "size"), columns(kept, "colour")
    assert size.to_pylist() == [1, 2, 3, 2**40, 2**40, 2**40]
    assert colour.to_pylist() == [None] * 3 + ["red"] * 3


def test_files_go_together_again_when_the_lanes_agree_on_a_wider_column(kept: Kept) -> None:
    kept.agree(size="int53")
    kept.commit(range(1), size=pa.array([1], pa.int64()))
    kept.commit(range(1, 2), size=pa.array([2], pa.int64()))
    kept.compact()
    kept.agree(size="double")
    kept.commit(range(2, 3), size=pa.array([0.5]))
    kept.compact()
    assert [size.to_pylist() for size in columns(kept, "size")] == [[1, 2, 0.5]]


def test_columns_that_no_schema_names_stay_as_they_are(kept: Kept) -> None:
    """As in a stream from before its schema was kept."""
    for start in (0, 3):
        kept.commit(range(start, start + 3), size=pa.array([EXACT + 1] * 3, pa.int64()))
    for start in (6, 9):
        kept.commit(range(start, start + 3), size=pa.array([0.5] * 3, pa.float64()))
    kept.commit(range(12, 13), colour=pa.array(["red"]))
    kept.compact()
    found = [table(kept.store.read(held.key) or b"") for held in live(kept.store, "orders").data]
    assert [rows["size"].to_pylist() for rows in found[:2]] == [[EXACT + 1] * 6, [0.5] * 6]
    assert [rows["colour"].to_pylist() for rows in found[2:]] == [["red"]]
    assert kept.compact() == []


def test_structs_of_other_fields_read_as_one(kept: Kept) -> None:
    kept.commit(range(1), place=pa.array([{"x": 1}]))
    kept.commit(range(1, 2), place=pa.array([{"x": 2, "y": "a"}]))
    kept.compact()
    assert read(kept.store, "orders")["place"].to_pylist() == [{"x": 1, "y": None}, {"x": 2, "y": "a"}]


def test_each_file_is_read_once_and_none_that_was_made() -> None:
    """Also one that stays apart."""
    kept = Kept(store := CountingStore())
    kept.agree(size="double")
    for number, size in enumerate([1, 2, EXACT + 1, 4, 5]):
        kept.commit(range(number, number + 1), size=pa.array([size], pa.int64()))
    files = kept.parquet()
    store.reads.clear()
    [rewrite] = kept.compact()
    assert len(rewrite.swaps) == 2
    assert {key: times for key, times in store.reads.items() if key.endswith(".parquet")} == dict.fromkeys(files, 1)
