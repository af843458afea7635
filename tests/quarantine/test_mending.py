"""What is asked of the rows sees nothing but them, brings none that is not there, and shows no personal value."""

import json

import pytest

from datastream.lake.verify import verify
from datastream.quarantine import SelectionWrong, Wanted, replay
from tests.conftest import World, order, stream_of
from tests.quarantine.conftest import Replaying, without_amount


@pytest.mark.parametrize("more", ["select 0, 1", "select 99, 1", "select null, 1"])
def test_no_row_is_made_up_and_none_is_taken_twice(world: World, replaying: Replaying, more: str) -> None:
    world.api.records += without_amount(1, 2)
    world.run()
    wanted = Wanted(where=f"true) union all ({more} from quarantine where true", mended={"amount": "1"})
    with replaying() as lane, pytest.raises(SelectionWrong, match="other rows than there are"):
        replay(lane, wanted)
    assert verify(world.store, "orders").quarantined == 2


def test_rows_come_in_their_order_whatever_is_asked(world: World, replaying: Replaying) -> None:
    world.api.records += without_amount(1, 2, 3)
    world.run()
    with replaying() as lane:
        replay(lane, Wanted(where="true) order by (-id", mended={"amount": "id"}))
    assert world.rows("select id, amount from orders") == [(1, 1), (2, 2), (3, 3)]


@pytest.mark.parametrize("value", ["1.25", "1.25::double", "1.25::decimal(38, 20)"])
def test_a_decimal_is_set_as_a_number(world: World, replaying: Replaying, value: str) -> None:
    """`1.25` is a decimal for DuckDB."""
    world.api.records += [order(1, price=0.5), *without_amount(2, price=0.5)]
    world.run()
    with replaying() as lane:
        replay(lane, Wanted(mended={"amount": "2", "price": value}))
    assert world.rows("select price from orders where id = 2") == [(1.25,)]


def test_what_is_no_number_for_json_is_not_made_null(world: World, replaying: Replaying) -> None:
    world.api.records += without_amount(1)
    world.run()
    with replaying() as lane:
        assert replay(lane, Wanted(mended={"amount": "'nan'::double"})).left == {"schema: NaN is not JSON": 1}


@pytest.mark.parametrize("where", ["email::int = 1", "error(email)", "_raw->>'$.email' = 'x'", "email::date = now()"])
def test_no_personal_value_is_in_an_error(world: World, replaying: Replaying, where: str) -> None:
    world.stream = stream_of(pii=["email"], schema={"types": "quarantine_row"})
    world.api.records += [*without_amount(1, email="jo@here"), order(2, email="\ud800")]
    world.run()
    with replaying() as lane, pytest.raises(SelectionWrong, match="personal data") as told:
        replay(lane, Wanted(where=where))
    assert "jo@here" not in f"{told.value} {told.value.__cause__}"


def test_records_that_are_no_json_are_passed_over(world: World, replaying: Replaying) -> None:
    world.stream = stream_of(schema={"types": "quarantine_row"})
    rows = [json.dumps(order(1)), json.dumps(order(2, amount=None)), r'{"id": 3, "note": "\ud800"}']
    world.api.pages = lambda _: (200, {}, f'{{"data": [{", ".join(rows)}], "total": 1}}'.encode())
    world.run()
    with replaying() as lane:
        assert replay(lane, Wanted(where="try(_raw->>'$.id') = '2'", mended={"amount": "1"})).loaded == 1


@pytest.mark.full
def test_what_takes_too_much_memory_is_a_sentence(world: World, replaying: Replaying) -> None:
    world.api.records += without_amount(1)
    world.run()
    wanted = Wanted(where="(select count(distinct i::text) from range(100000000) t(i)) > 0")
    with replaying() as lane, pytest.raises(SelectionWrong, match="more than 1GB of memory"):
        replay(lane, wanted)
