"""A source drifts: the stream says what happens, nothing lands changed, and all files stay one dataset."""

import io
import json

import pyarrow.parquet as pq
import pytest

from datastream.columns import ColumnChanged
from datastream.lake.verify import verify
from datastream.sources.exactly import SchemaFrozen
from tests.conftest import World, order, orders, stream_of

LATER = "2026-12-31T10:00:00Z"


def test_a_frozen_stream_stops_and_the_next_run_takes_the_same_records(world: World) -> None:
    world.api.records = orders(10)
    world.stream = stream_of(schema="freeze")
    world.run()
    world.api.records.append(order(11, at=LATER, coupon="X1"))
    with pytest.raises(SchemaFrozen, match='coupon is no column: "X1"'):
        world.run()
    assert world.rows("select count(*) from orders") == [(10,)]
    world.stream = stream_of(schema="evolve")
    world.run()
    assert world.rows("select id, coupon from orders where coupon is not null") == [(11, "X1")]
    assert verify(world.store, "orders").ok


def test_a_drift_in_the_middle_of_a_batch_sets_only_its_rows_aside(world: World) -> None:
    world.api.records = orders(100)
    world.stream = stream_of(schema="quarantine_row")
    world.run()
    drifted = [order(number, at=LATER, coupon="X1") for number in range(500, 520)]
    world.api.records += [*orders(399, start=101), *drifted, *orders(100, start=520)]
    world.api.records[100:] = [{**record, "at": LATER} for record in world.api.records[100:]]
    world.run()
    assert world.rows("select count(*) from orders") == [(599,)]
    assert world.rows("select distinct _rules from orders_quarantine") == [(["schema: coupon is no column"],)]


def test_a_widened_column_reads_as_one_and_each_commit_names_its_schema(world: World) -> None:
    world.api.records = [order(1), order(2)]
    [first] = world.run()
    world.api.records.append(order(3, at=LATER, amount=0.5))
    [second] = world.run()
    assert (first.header.columns["amount"], second.header.columns["amount"]) == ("int53", "double")
    assert first.header.versions.schema != second.header.versions.schema
    assert world.rows("select id, amount from orders order by all") == [(1, 1.0), (2, 2.0), (3, 0.5)]


def test_a_transform_that_makes_a_column_something_else_stops_the_run(world: World) -> None:
    world.api.records = orders(10)
    world.run()
    world.api.records.append(order(11, at=LATER))
    world.stream = stream_of(transform="tests.transforms:with_amount_as_text")
    with pytest.raises(ColumnChanged, match="'amount' of orders is int64 in what is committed, and is string now"):
        world.run()
    world.stream = stream_of(transform="tests.transforms:with_small_amounts")
    world.run()
    assert world.rows("select distinct typeof(amount), count(*) from orders group by all") == [("BIGINT", 11)]


def test_a_cursor_that_is_declared_as_a_time_moves(world: World) -> None:
    world.api.records = orders(10)
    world.stream = stream_of(schema={"declared": {"at": "timestamp"}}, transform=None)
    [commit] = world.run()
    assert commit.header.offsets["cursor"] == world.api.records[-1]["at"]
    assert world.run() == [] or world.rows("select count(*) from orders") == [(10,)]


def test_records_that_only_seem_equal_are_both_set_aside(world: World) -> None:
    """What makes them odd is what tells them apart."""
    odd = ['{"id": 1, "id": 2}', '{"id": 3, "id": 2}', '{"id": 1, "a": 1e400}', '{"id": 1, "a": 2e400}']
    body = f'{{"data": [{json.dumps(order(9))}, {", ".join(odd)}], "total": 1}}'.encode()
    world.api.fault = lambda _: (200, {}, body)
    world.run()
    world.run()
    assert sorted(world.rows("select _raw from orders_quarantine")) == sorted((text,) for text in odd)


def test_a_hundred_thousand_keys_make_files_with_a_small_footer(world: World) -> None:
    records = [order(row, **{f"k{row}_{n}": n for n in range(100)}) for row in range(1, 1001)]
    world.api.page_size, world.api.records = 1000, records
    world.stream = stream_of(partition_by=None, batch={"size": 1000, "per_commit": 1})
    [commit] = world.run()
    [file] = commit.files
    metadata = pq.read_metadata(io.BytesIO(world.store.read(file.key)))
    assert (metadata.num_rows, metadata.num_columns) == (1000, 1004)
    assert metadata.serialized_size < 512 * 1024
    [(extra,)] = world.rows("select _extra from orders where id = 1000")
    assert json.loads(extra) == {f"k1000_{n}": n for n in range(100)}


def test_a_declared_column_is_there_for_the_suite_before_any_record_has_it(world: World) -> None:
    """The suite asks for `amount`, and could not answer about a table without it."""
    world.api.records = [{"id": 1, "at": LATER}]
    world.stream = stream_of(schema={"declared": {"amount": "int64"}})
    [commit] = world.run()
    assert list(commit.header.set_aside) == ["amount not null"]
