"""What is found of a source that has drifted is what the next run makes of it: what it sets aside, and how it fails."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datastream.connections import ApiConfig
from datastream.drift import Drift, drift
from datastream.errors import DatastreamError
from datastream.quality import load_suite
from tests.conftest import World, order, orders, stream_of
from tests.fake_api import LOCAL, ok

Record = dict[str, Any]
Change = Callable[[Record], Record]


def plain(**changes: Any) -> dict[str, Any]:
    """Return the changes to a stream without a transform, which reads everything each time."""
    return {"transform": None, "partition_by": None, "source": {"cursor": None}, **changes}


def looked(world: World, limit: int = 1000) -> Drift:
    suite, config = load_suite(world.suites, "orders"), ApiConfig(base_url=world.api.url, private_networks=LOCAL)
    found = drift(world.stream, suite, world.store, config, limit, world.clock)
    assert found is not None
    return found


def effects(found: Drift) -> dict[str, str]:
    """Return the worst of each field."""
    return {each.field: each.effect for each in reversed(found.findings)}


def loaded(world: World, **changes: Any) -> World:
    """Load ten orders by a stream, so that its columns are agreed on."""
    world.stream = stream_of(**plain(**changes))
    world.api.records = [{**each, "note": "n", "paid": True} for each in orders(10)]
    world.run()
    return world


def without(record: Record, name: str) -> Record:
    return {key: value for key, value in record.items() if key != name}


def sometimes(change: Change) -> Change:
    """Change every other record."""
    return lambda record: change(record) if record["id"] % 2 else record


EVOLVE, ASIDE, FREEZE = "evolve", "quarantine_row", "freeze"
CASES: dict[str, tuple[str, Change, dict[str, str]]] = {
    "nothing": (FREEZE, lambda r: r, {}),
    "new, evolve": (EVOLVE, lambda r: {**r, "coupon": "x"}, {"coupon": "told"}),
    "new, set aside": (ASIDE, sometimes(lambda r: {**r, "coupon": "x"}), {"coupon": "set aside"}),
    "new, frozen": (FREEZE, sometimes(lambda r: {**r, "coupon": "x"}), {"coupon": "fails"}),
    "new, no column": (EVOLVE, lambda r: {**r, "AMOUNT": 1}, {"AMOUNT": "told"}),
    "lost": (FREEZE, lambda r: without(r, "note"), {"note": "told"}),
    "lost, wanted by the suite": (FREEZE, lambda r: without(r, "amount"), {"amount": "set aside"}),
    "lost key": (EVOLVE, lambda r: without(r, "id"), {"id": "set aside"}),
    "key without values": (EVOLVE, sometimes(lambda r: {**r, "id": None}), {"id": "set aside"}),
    "wider": (EVOLVE, sometimes(lambda r: {**r, "amount": 0.5}), {"amount": "told"}),
    "wider, set aside": (ASIDE, sometimes(lambda r: {**r, "amount": 0.5}), {"amount": "set aside"}),
    "wider, frozen": (FREEZE, sometimes(lambda r: {**r, "amount": 0.5}), {"amount": "fails"}),
    "written as fractions": (FREEZE, lambda r: {**r, "amount": 5.0}, {}),
    "beyond a double": (FREEZE, lambda r: {**r, "amount": 2**60}, {}),
    "a key is never wider": (EVOLVE, sometimes(lambda r: {**r, "id": 0.5 + r["id"]}), {"id": "set aside"}),
    "text": (EVOLVE, sometimes(lambda r: {**r, "paid": "yes"}), {"paid": "set aside"}),
    "text, frozen": (FREEZE, sometimes(lambda r: {**r, "paid": "yes"}), {"paid": "fails"}),
    "nested": (EVOLVE, lambda r: {**r, "note": {"a": 1}}, {"note": "set aside"}),
    "two": (EVOLVE, sometimes(lambda r: {**r, "note": 1, "paid": 2}), {"note": "set aside", "paid": "set aside"}),
    "one key for all": (EVOLVE, lambda r: {**r, "id": 77}, {"id": "dropped"}),
    "our own name": (EVOLVE, sometimes(lambda r: {**r, "_commit": 1}), {"": "set aside"}),
}  # fmt: skip


@pytest.mark.parametrize(("mode", "change", "expected"), CASES.values(), ids=CASES.keys())
def test_what_is_found_is_what_a_run_makes_of_it(
    world: World, tmp_path: Path, mode: str, change: Change, expected: dict[str, str]
) -> None:
    loaded(world, schema=mode)
    world.api.records = [change({**each, "note": "n", "paid": True}) for each in orders(10, start=101)]
    before = sorted(tmp_path.rglob("*"))
    found = looked(world)
    assert effects(found) == expected
    assert sorted(tmp_path.rglob("*")) == before, "something was written"
    if "fails" in expected.values():
        with pytest.raises(DatastreamError):
            world.run()
        return
    [commit] = world.run()
    assert found.set_aside == commit.header.accounts.quarantined
    assert (commit.header.accounts.loaded < 10) == found.matters


def test_what_is_declared_is_expected_before_the_first_commit(world: World) -> None:
    world.stream = stream_of(
        **plain(schema={"declared": {"at": "timestamp", "amount": "decimal(6,2)", "sent": "date"}})
    )
    world.api.records = [order(1), order(2, at="yesterday"), order(3, amount="1.005")]
    assert effects(looked(world)) == {"at": "set aside", "amount": "set aside", "id": "told", "sent": "told"}
    assert "hold" in str(looked(world).findings[0].meaning)


def test_where_nothing_is_expected_nothing_is_new(world: World) -> None:
    world.stream, world.api.records = stream_of(**plain()), orders(3)
    assert str(looked(world)) == "orders, everything: of 3 records all are as the stream expects them."


def test_a_column_without_values_takes_the_type_of_the_first(world: World) -> None:
    world.stream, world.api.records = stream_of(**plain(schema="freeze")), [order(1, note=None)]
    world.run()
    world.api.records = [order(2, note="n")]
    [found] = looked(world).findings
    assert (found.field, found.stream, found.source, found.effect) == ("note", "no value", "string", "told")


AT = {"field": "at", "param": "since", "initial": "2026-01-01T00:00:00Z"}
CURSORS: dict[str, tuple[dict[str, Any], Change, dict[str, str]]] = {
    "as it was": (AT, lambda r: r, {}),
    "numbers for times": (AT, lambda r: {**r, "at": 1}, {"at": "stuck"}),
    "some are no time": (AT, sometimes(lambda r: {**r, "at": "soon"}), {"at": "told"}),
    "lost": (AT, lambda r: without(r, "at"), {"at": "stuck"}),
    "numbers": ({**AT, "field": "id", "initial": 0}, lambda r: r, {}),
    "fractions": ({**AT, "field": "amount", "initial": 0}, lambda r: {**r, "amount": 0.5}, {"amount": "stuck"}),
    "text": ({**AT, "initial": "a"}, lambda r: r, {}),
}  # fmt: skip


@pytest.mark.parametrize(("cursor", "change", "expected"), CURSORS.values(), ids=CURSORS.keys())
def test_a_cursor_that_would_not_move_is_told(
    world: World, cursor: dict[str, Any], change: Change, expected: dict[str, str]
) -> None:
    world.api.cursor = "none of these"
    world.stream = stream_of(**plain(source={"cursor": cursor}))
    world.api.records = [change(each) for each in orders(10)]
    assert effects(looked(world)) == expected
    [commit] = world.run()
    assert ("cursor" not in commit.header.offsets) == ("stuck" in expected.values())


@pytest.mark.parametrize(
    ("changes", "effect"),
    [
        ({"partition_by": {"field": "at"}}, "fails"),
        ({"partition_by": {"field": "when"}}, "fails"),
        ({"partition_by": {"field": "at"}, "schema": {"columns": "evolve", "declared": {"at": "timestamp"}}}, None),
        ({"partition_by": {"field": "at"}, "transform": "tests.transforms:timed"}, None),
    ],
)
def test_what_cannot_be_partitioned_is_told(world: World, changes: dict[str, Any], effect: str | None) -> None:
    world.stream, world.api.records = stream_of(**plain(**changes)), orders(3)
    found = effects(looked(world))
    assert (found.get("at") or found.get("when")) == effect
    if effect is None:
        assert world.run()
    else:
        with pytest.raises(DatastreamError):
            world.run()


def test_a_column_that_the_suite_asks_about_has_to_be_there_where_no_transform_makes_it(world: World) -> None:
    world.stream, world.api.records = stream_of(**plain()), [without(order(1), "amount")]
    [found] = looked(world).findings
    assert (found.field, found.effect) == ("amount", "fails")
    assert "amount not null" in found.meaning
    with pytest.raises(DatastreamError):
        world.run()
    world.stream = stream_of(**plain(transform="tests.transforms:timed"))
    assert looked(world).findings == []


def test_an_answer_that_is_set_aside_is_no_record(world: World) -> None:
    loaded(world, source={"cursor": None, "errors": [{"status": 422, "then": "quarantine"}]})
    world.api.fault = lambda _: (422, {}, b"{}")
    found = looked(world)
    assert [(each.source, each.effect) for each in found.findings] == [("api: 422", "set aside")]


def test_a_parents_row_that_cannot_be_asked_for_is_set_aside_and_is_no_record(world: World) -> None:
    loaded(world)
    world.api.records = [order(11, name=".."), order(12, name="b")]
    world.run()
    parent = {"stream": "orders", "include": {"order": "id"}}
    source = {
        "cursor": None,
        "path": "/by/{name}",
        "parent": parent,
        "records": "lines",
        "paginate": {"kind": "single"},
    }
    world.stream = stream_of(**plain(name="lines", key=["order", "line"], source=source))
    world.api.pages = lambda _: ok({"lines": [{"line": 1, "amount": 1}]})
    found = looked(world)
    assert [(each.source, each.effect) for each in found.findings if each.effect != "told"] == [("parent", "set aside")]


def test_many_fields_that_are_no_columns_are_told_together(world: World) -> None:
    loaded(world, schema="quarantine_row")
    world.api.records = [{**order(n), "note": "n", "paid": True, f"f{n}": 1} for n in range(101, 141)]
    found = looked(world)
    assert (len(found.findings), found.set_aside) == (20, 40)
    assert "and 20 fields more" in found.findings[-1].meaning


def test_no_more_is_asked_for_than_is_looked_at(world: World) -> None:
    loaded(world)
    world.api.records, world.api.page_size = orders(5000), 100
    world.connection["connections"] = 1
    world.api.asked.clear()
    assert looked(world, limit=150).records == 100
    assert len(world.api.asked) < 10


def test_the_worst_comes_first_and_the_sentence_says_all(world: World) -> None:
    loaded(world)
    world.api.records = [{**order(1), "new": 1, "id": 7, "note": "n", "paid": n} for n in (True, False, "x", None)]
    found = looked(world)
    assert [each.effect for each in found.findings] == ["dropped", "set aside", "told"]
    assert str(found) == (
        "orders, everything: of 4 records not all are as the stream expects them; records would be taken for "
        "duplicates of others and 1 would be set aside."
    )
