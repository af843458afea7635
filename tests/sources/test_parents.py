"""A stream that is asked once for each row of another: the orders are on the lake, their lines at the API."""

from typing import Any

import msgspec
import pytest

from datastream.catalog import Compact, Stream
from datastream.errors import Permanent
from datastream.lake.manifest import Manifest
from datastream.lake.verify import verify
from datastream.maintenance import maintain
from datastream.sources.parts import ParentUnfit
from tests.conftest import World, order, orders, stream_of
from tests.fake_api import Asked, Response, ok

PARENT = {"stream": "orders", "include": {"order": "id"}}


def lines(**source: Any) -> Stream:
    source = {
        "path": "/orders/{id}/lines",
        "records": "lines",
        "paginate": {"kind": "page_number", "total": "total"},
        "cursor": None,
        "parent": PARENT,
        **source,
    }
    batch = {"size": 100, "per_commit": 1}
    return stream_of(name="lines", key=["order", "line"], source=source, transform=None, partition_by=None, batch=batch)


class Shop:
    """Orders, and lines of each: as many as its number says."""

    def __init__(self, world: World, **source: Any) -> None:
        self.world, self.lines = world, lines(**source)
        self.orders = world.stream
        self.gone: set[str] = set()

    def run_orders(self) -> None:
        self.world.stream, self.world.api.pages = self.orders, None
        self.world.run()
        self.world.api.requests.clear()

    def run_lines(self) -> list[Manifest]:
        self.world.stream = self.lines
        self.world.api.pages = self.answer
        return self.world.run()

    def answer(self, asked: Asked) -> Response:
        _, _, number, what = asked.path.split("/")
        assert what == "lines"
        if number in self.gone:
            return 404, {}, b"no such order"
        since, page = asked.query.get("since", ""), int(asked.query.get("page", "1"))
        found = [{"line": n, "at": order(n)["at"], "amount": 1} for n in range(1, int(number) % 7 + 1)]
        found = [row for row in found if row["at"] >= since]
        return ok({"lines": found[(page - 1) * 3 :][:3], "total": -(-len(found) // 3)})

    @property
    def asked(self) -> list[int]:
        return sorted({int(asked.path.split("/")[2]) for asked in self.world.api.requests})

    def rows(self) -> list[tuple[Any, ...]]:
        return sorted(self.world.rows('select "order", line from lines'))


def expected(numbers: range) -> list[tuple[int, int]]:
    return sorted((number, line) for number in numbers for line in range(1, number % 7 + 1))


@pytest.fixture
def shop(world: World) -> Shop:
    world.api.records = orders(200)
    return Shop(world)


def test_each_row_is_asked_for_and_each_record_knows_its_parent(shop: Shop) -> None:
    shop.run_orders()
    shop.run_lines()
    assert shop.rows() == expected(range(1, 201))
    assert verify(shop.world.store, "lines").problems == []


def test_only_new_rows_are_asked_for_the_next_time(shop: Shop) -> None:
    shop.run_orders()
    shop.run_lines()
    shop.world.api.records += orders(20, start=201)
    shop.run_orders()
    shop.run_lines()
    assert shop.asked == list(range(201, 221))
    assert shop.rows() == expected(range(1, 221))


def test_without_new_rows_nothing_is_asked_and_nothing_committed(shop: Shop) -> None:
    shop.run_orders()
    shop.run_lines()
    shop.world.api.requests.clear()
    assert shop.run_lines() == []
    assert shop.asked == []


def test_all_rows_are_asked_for_each_time_where_the_stream_says_so(shop: Shop) -> None:
    shop.lines = lines(parent={**PARENT, "ask": "all"})
    shop.run_orders()
    shop.run_lines()
    shop.world.api.requests.clear()
    shop.run_lines()
    assert shop.asked == list(range(1, 201))
    assert shop.rows() == expected(range(1, 201))


def test_with_a_cursor_known_rows_are_asked_since_it_and_new_ones_from_the_beginning(shop: Shop) -> None:
    cursor = {"field": "at", "param": "since", "initial": "2026-01-01T00:00:00Z"}
    shop.lines = lines(cursor=cursor)
    shop.run_orders()
    shop.run_lines()
    shop.world.api.records.append(order(203))
    shop.run_orders()
    shop.run_lines()
    since = {asked.path: asked.query["since"] for asked in shop.world.api.requests}
    assert since.pop("/orders/203/lines") == "2026-01-01T00:00:00Z"
    assert set(since.values()) == {order(6)["at"]}
    assert len(since) == 200


def test_a_run_that_died_goes_on_at_the_row_where_it_stood(shop: Shop) -> None:
    shop.run_orders()
    whole = shop.answer

    def breaking(asked: Asked) -> Response:
        return (400, {}, b"not now") if asked.path == "/orders/150/lines" else whole(asked)

    shop.answer = breaking  # type: ignore[method-assign]
    with pytest.raises(Permanent, match="not now"):
        shop.run_lines()
    shop.answer = whole  # type: ignore[method-assign]
    shop.world.api.requests.clear()
    shop.run_lines()
    assert 50 < shop.asked[0] < 150
    assert shop.rows() == expected(range(1, 201))
    assert verify(shop.world.store, "lines").duplicates == 0


def test_a_window_whose_parents_became_unfit_is_begun_again_by_a_corrected_file(shop: Shop) -> None:
    """A whole number became a double in the parent, and compaction wrote the rows that are asked for anew."""
    shop.lines = lines(path="/orders/{amount}/lines")
    shop.run_orders()
    whole = shop.answer
    shop.answer = lambda asked: (400, {}, b"") if "/150/" in asked.path else whole(asked)  # type: ignore[method-assign]
    with pytest.raises(Permanent, match="400"):
        shop.run_lines()
    shop.answer = whole  # type: ignore[method-assign]
    shop.world.api.records += [order(201, amount=0.5)]
    shop.run_orders()
    maintain(shop.orders.model_copy(update={"compact": Compact()}), shop.world.store, run="r", clock=shop.world.clock)
    with pytest.raises(ParentUnfit, match="amount of 'orders' is float"):
        shop.run_lines()
    shop.lines = lines()
    shop.run_lines()
    assert shop.rows() == expected(range(1, 202))


def test_rows_that_come_while_a_window_is_open_wait_for_the_next_one(shop: Shop) -> None:
    test_a_run_that_died_goes_on_at_the_row_where_it_stood(shop)
    shop.world.api.records += orders(20, start=201)
    shop.run_orders()
    shop.run_lines()
    assert shop.rows() == expected(range(1, 221))


def test_a_row_whose_children_are_gone_is_passed_over(shop: Shop) -> None:
    shop.lines = lines(errors=[{"status": 404, "then": "ignore"}])
    shop.gone = {"5", "9"}
    shop.run_orders()
    shop.run_lines()
    assert shop.rows() == [row for row in expected(range(1, 201)) if row[0] not in (5, 9)]


def test_a_window_without_any_child_is_not_asked_again(shop: Shop) -> None:
    shop.lines = lines(errors=[{"status": 404, "then": "ignore"}])
    shop.gone = {str(number) for number in range(1, 201)}
    shop.run_orders()
    [commit] = shop.run_lines()
    assert commit.header.accounts.read == 0
    shop.world.api.requests.clear()
    assert shop.run_lines() == []
    assert shop.asked == []


def test_a_field_that_the_parent_has_not_is_told(shop: Shop) -> None:
    shop.lines = lines(path="/orders/{number}/lines")
    shop.run_orders()
    with pytest.raises(ParentUnfit, match="The rows of 'orders' have no number"):
        shop.run_lines()


def test_rows_of_a_field_that_never_had_a_value_are_not_asked_for(shop: Shop) -> None:
    shop.lines = lines(parent={**PARENT, "include": {"order": "id", "note": "note"}})
    shop.world.api.records = [order(number, note=None) for number in range(1, 10)]
    shop.run_orders()
    shop.run_lines()
    assert shop.asked == []
    shop.world.api.records.append(order(10, note="to the back door"))
    shop.run_orders()
    shop.run_lines()
    assert shop.asked == [10]


def test_a_record_that_has_such_a_field_itself_is_set_aside(shop: Shop) -> None:
    shop.run_orders()
    found = {"lines": [{"line": 1, "order": 77, "amount": 1}, {"line": 2, "amount": 1}, {}], "total": 1}
    shop.answer = lambda _: ok(found)  # type: ignore[method-assign,assignment]
    shop.run_lines()
    assert shop.rows() == [(number, 2) for number in range(1, 201)]
    rules = shop.world.rows("select distinct unnest(_rules) from lines_quarantine")
    assert {rule for [rule] in rules} == {"schema: order stands twice in it", "key: order or line is missing"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"path": "/lines"}, "every row of orders would ask the same"),
        ({"parent": {"stream": "lines"}}, "it is its own parent"),
        ({"cursor": {"field": "at", "param": "since", "initial": "2026-01-01T00:00:00Z", "ordered": True}}, "leave"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        lines(**changes)


def test_rows_that_a_newer_snapshot_of_the_parent_has_not_are_asked_for_no_more(shop: Shop) -> None:
    shop.orders = stream_of(source={"cursor": None}, load="replace", transform=None, partition_by=None)
    shop.lines = lines(parent={**PARENT, "ask": "all"})
    shop.run_orders()
    shop.run_lines()
    del shop.world.api.records[100:]
    shop.run_orders()
    shop.run_lines()
    assert shop.asked == list(range(1, 101))


def test_a_snapshot_of_children_holds_those_of_the_parents_that_are_there(shop: Shop) -> None:
    shop.lines = lines(parent={**PARENT, "ask": "all"}).model_copy(update={"load": "replace"})
    shop.orders = stream_of(source={"cursor": None}, load="replace", transform=None, partition_by=None)
    shop.run_orders()
    shop.run_lines()
    del shop.world.api.records[:100]
    shop.run_orders()
    shop.run_lines()
    assert shop.rows() == expected(range(101, 201))


def test_a_snapshot_of_new_parents_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="ask: all"):
        stream_of(source={"cursor": None, "path": "/{id}", "parent": {"stream": "shops"}}, load="replace")


def test_a_call_that_is_begun_again_takes_no_other_call_out_of_the_snapshot(shop: Shop) -> None:
    paginate = {"kind": "page_number", "total": "total", "count": "count"}
    shop.lines = lines(parent={**PARENT, "ask": "all"}, paginate=paginate).model_copy(update={"load": "replace"})
    shop.run_orders()
    whole, counts = shop.answer, {"/orders/153/lines": [7, 6]}

    def shrinking(asked: Asked) -> Response:
        status, headers, body = whole(asked)
        count = (counts.get(asked.path) or [6]).pop(0)
        return status, headers, msgspec.json.encode({**msgspec.json.decode(body), "count": count})

    shop.answer = shrinking  # type: ignore[method-assign]
    shop.run_lines()
    assert sum(asked.path == "/orders/153/lines" for asked in shop.world.api.requests) > 2
    assert shop.rows() == expected(range(1, 201))


def test_without_parents_a_snapshot_of_children_is_empty(shop: Shop) -> None:
    shop.lines = lines(parent={**PARENT, "ask": "all"}).model_copy(update={"load": "replace"})
    shop.orders = stream_of(source={"cursor": None}, load="replace", transform=None, partition_by=None)
    shop.run_orders()
    shop.run_lines()
    shop.world.api.records.clear()
    shop.run_orders()
    assert [len(shop.run_lines()), len(shop.run_lines())] == [1, 0]
    assert shop.rows() == []


def test_all_rows_of_another_parent_are_new(shop: Shop) -> None:
    shop.run_orders()
    shop.run_lines()
    shop.orders = stream_of(name="returns")
    shop.world.api.records = orders(20, start=501)
    shop.run_orders()
    shop.lines = lines(parent={**PARENT, "stream": "returns"})
    shop.run_lines()
    assert shop.rows() == sorted(expected(range(1, 201)) + expected(range(501, 521)))
