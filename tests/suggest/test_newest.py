"""What is on the lake of a stream, as a draft looks at it."""

from datastream.records import OWN_COLUMNS
from datastream.suggest import newest_rows
from tests.conftest import World, order, orders


def test_the_newest_rows_come_first_and_their_own_columns_are_left_out(world: World) -> None:
    world.api.records = orders(600)
    world.run()
    world.api.records += [order(number, at="2026-12-31T00:00:00Z", coupon="x") for number in range(1001, 1051)]
    world.run("next")
    table = newest_rows(world.store, "orders", 80)
    assert table.num_rows == 80
    assert table["id"].to_pylist()[-50:] == list(range(1001, 1051))
    assert not OWN_COLUMNS & set(table.column_names)
    assert table["coupon"].null_count == 30


def test_where_nothing_is_committed_there_is_no_row(world: World) -> None:
    assert newest_rows(world.store, "orders", 80).num_rows == 0
