"""What stands in a call for a parent's row: its values, wherever they lie, or the row is set aside."""

import time
from typing import Any

import msgspec
import pytest

from datastream.intake.parents import LakeParents
from datastream.sources import window
from datastream.sources.parts import ParentUnfit
from tests.conftest import World, order, orders, stream_of
from tests.fake_api import ok
from tests.sources.test_parents import Shop


@pytest.mark.parametrize("name", ["..", ".", "", "a/../b", "a?b=1#c", "ü %2e"])
def test_a_value_is_one_step_of_the_path_or_is_set_aside(world: World, name: str) -> None:
    shop = Shop(world, path="/by/{name}", parent={"stream": "orders", "include": {"order": "id"}})
    world.api.records = [order(1, name=name)]
    shop.run_orders()
    asked: list[str] = []
    one = {"lines": [{"line": 1, "amount": 1}], "total": 1}
    world.api.pages = lambda request: asked.append(request.path) or ok(one)
    world.stream = shop.lines
    world.run()
    if name in ("..", ".", ""):
        assert asked == []
        [(rules, raw)] = world.rows("select _rules, _raw from lines_quarantine")
        assert rules == ["parent"]
        assert "make no address" in msgspec.json.decode(raw)["why"]
    else:
        [path] = asked
        assert path.count("/") == 2
        assert shop.rows() == [(1, 1)]


def test_several_fields_of_a_row_stand_anywhere_in_what_is_asked(world: World) -> None:
    source = {"path": "/{at}/{id}", "params": {"day": ["{at}", "x"]}, "headers": {"X-Order": "no. {id}"}}
    parent = {"stream": "orders", "include": {"order": "id", "amount_of_order": "amount"}}
    shop = Shop(world, **source, parent=parent, paginate={"kind": "single"})
    world.api.records = [order(7)]
    shop.run_orders()
    world.stream, world.api.pages = shop.lines, lambda _: ok({"lines": [{"line": 1, "amount": 1}]})
    world.run()
    [asked] = world.api.requests
    at = order(7)["at"].replace(":", "%3A")
    assert world.api.asked[-1] == f"/{at}/7?day={at}&day=x"
    assert asked.headers["X-Order"] == "no. 7"
    assert world.rows('select "order", amount_of_order from lines') == [(7, 7)]


@pytest.mark.parametrize("owner", [{"id": 5}, {"id": "a/b"}, {"id": None}, {}, None, "x"])
def test_a_field_may_lie_within_another(world: World, owner: Any) -> None:
    """Rows that lack it are not asked for."""
    parent = {"stream": "orders", "include": {"order": "id", "owner": "owner.id"}}
    shop = Shop(world, path="/owners/{owner.id}", parent=parent, paginate={"kind": "single"})
    world.api.records = [order(1, owner={"id": 1}), order(2, owner=owner)]
    shop.run_orders()
    world.stream, world.api.pages = shop.lines, lambda _: ok({"lines": [{"line": 1, "amount": 1}]})
    world.run()
    there = {"owners/1", f"owners/{owner['id']}".replace("a/b", "a%2Fb")} if _id(owner) else {"owners/1"}
    assert {asked.path.strip("/") for asked in world.api.requests} == there


def _id(owner: Any) -> Any:
    return owner.get("id") if isinstance(owner, dict) else None


def test_a_field_that_is_no_text_or_number_is_told(world: World) -> None:
    shop = Shop(world, path="/owners/{owner.id}", paginate={"kind": "single"})
    world.api.records = [order(1, owner={"id": [1]})]
    shop.run_orders()
    with pytest.raises(ParentUnfit, match=r"owner\.id of 'orders' is list"):
        shop.run_lines()


def test_braces_of_json_and_graphql_name_no_field(world: World) -> None:
    query = "query ($id: ID!) { order(id: $id) {\n lines { line }\n} }"
    body = {"query": query, "variables": {"id": "{id}"}, "filter": '{"open": true, "order": "{id}"}'}
    shop = Shop(world, path="/graphql", method="POST", body=body, paginate={"kind": "single"})
    world.api.records = [order(7)]
    shop.run_orders()
    world.stream, world.api.pages = shop.lines, lambda _: ok({"lines": []})
    world.run()
    assert [asked.json for asked in world.api.requests] == [
        {"query": query, "variables": {"id": 7}, "filter": '{"open": true, "order": "7"}'}
    ]


def test_each_row_may_be_asked_for_one_record(world: World) -> None:
    shop = Shop(world, path="/orders/{id}", format="object", records="order", paginate={"kind": "single"})
    world.api.records = orders(3)
    shop.run_orders()
    world.stream = shop.lines
    world.api.pages = lambda asked: ok({"order": {"line": int(asked.path.split("/")[2]), "amount": 1}})
    world.run()
    assert shop.rows() == [(1, 1), (2, 2), (3, 3)]


@pytest.mark.parametrize("name", ["a\r\nX-Evil: y", "\x00", "日本"])
def test_a_value_that_no_header_can_hold_is_set_aside(world: World, name: str) -> None:
    shop = Shop(world, path="/lines", headers={"X-Name": "{name}"})
    world.api.records = [order(1, name=name), order(2, name="plain")]
    shop.run_orders()
    world.stream, world.api.pages = shop.lines, lambda _: ok({"lines": [{"line": 1, "amount": 1}], "total": 1})
    world.run()
    assert [asked.headers["X-Name"] for asked in world.api.requests] == ["plain"]
    assert world.rows("select _rules from lines_quarantine") == [(["parent"],)]
    assert shop.rows() == [(2, 1)]


def test_numbers_and_texts_within_a_field_go_side_by_side(world: World) -> None:
    shop = Shop(world, path="/owners/{owner.id}", parent={"stream": "orders", "include": {"order": "owner.id"}})
    world.api.records = [order(1, owner={"id": "b"}), order(2, owner={"id": 5}), order(3, owner={"id": "a"})]
    shop.run_orders()
    world.stream, world.api.pages = shop.lines, lambda _: ok({"lines": [{"line": 1, "amount": 1}], "total": 1})
    world.run()
    assert sorted(asked.path for asked in world.api.requests) == ["/owners/5", "/owners/a", "/owners/b"]


def test_numbers_stay_numbers_in_a_body(world: World) -> None:
    body = {"filter": {"order": "{id}"}, "title": "order {id}"}
    shop = Shop(world, path="/lines", method="POST", body=body, paginate={"kind": "single"})
    world.api.records = orders(2)
    shop.run_orders()
    world.stream, world.api.pages = shop.lines, lambda _: ok({"lines": []})
    world.run()
    assert sorted((asked.json for asked in world.api.requests), key=str) == [
        {"filter": {"order": 1}, "title": "order 1"}, {"filter": {"order": 2}, "title": "order 2"}
    ]  # fmt: skip


def test_a_time_without_a_zone_is_asked_for_as_utc_wherever_the_machine_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.stream = stream_of(transform="tests.transforms:zoneless", partition_by=None)
    world.api.records = orders(1)
    world.run()
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    parents = LakeParents(world.store)
    [(values, _)] = parents.rows(window.Asked(stream="orders", upto=parents.reached("orders")), ["at"])
    monkeypatch.undo()
    time.tzset()
    assert values == ["2026-01-01T01:00:00Z"]
