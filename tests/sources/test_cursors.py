"""A cursor as APIs have it: its times in another format, its values within other fields, its parameter anywhere."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from datastream.lake.verify import verify
from datastream.sources.window import Window, open_window
from tests.conftest import World, order, stream_of
from tests.fake_api import Asked, Response, ok

INITIAL = "2026-01-01T00:00:00Z"
NOW = datetime(2026, 6, 1, 12, 30, 0, 5, tzinfo=UTC)


def cursored(world: World, cursor: dict[str, Any], changes: dict[str, Any] | None = None, **source: Any) -> None:
    """Read a stream all of whose rows come in one answer."""
    source = {"paginate": {"kind": "single"}, "records": "rows", "cursor": cursor, **source}
    world.stream = stream_of(source=source, transform=None, partition_by=None, **(changes or {}))
    world.api.pages = lambda _: ok({"rows": world.api.records})


def seconds(at: str) -> int:
    return int(datetime.fromisoformat(at).timestamp())


def sent(world: World) -> list[str]:
    """Run once more and return what was sent as `since`."""
    world.api.requests.clear()
    world.run()
    return [asked.query["since"] for asked in world.api.requests]


ENDING = {"field": "at", "param": "since", "until": "until", "initial": INITIAL}


def window(**cursor: Any) -> Window:
    return open_window(stream_of(source={"cursor": {**ENDING, **cursor}}), None, NOW)


def test_unix_times_are_read_and_sent(world: World) -> None:
    world.api.records = [{"id": n, "at": seconds(order(n)["at"]), "amount": 1} for n in (3, 1, 2)]
    cursored(world, {"field": "at", "param": "since", "initial": INITIAL, "format": "epoch", "lag": "PT1H"})
    assert sent(world) == [str(seconds(INITIAL))]
    assert sent(world) == [str(seconds(order(3)["at"]) - 3600)]
    assert verify(world.store, "orders").loaded == 3


def test_milliseconds_are_sent_to_an_api_whose_records_have_iso_times(world: World) -> None:
    world.api.records = [{"id": 1, "at": "2026-03-01T10:00:00.500+00:00", "amount": 1}]
    cursored(world, {"field": "at", "param": "since", "initial": INITIAL, "format": "epoch_ms"})
    sent(world)
    assert sent(world) == [f"{seconds('2026-03-01T10:00:00Z')}500"]


def test_days_are_compared_as_days_and_not_as_text(world: World) -> None:
    days = ["21.02.2026", "01.03.2026", "15.01.2026"]
    world.api.records = [{"id": n, "at": day, "amount": 1} for n, day in enumerate(days)]
    cursored(world, {"field": "at", "param": "since", "initial": INITIAL, "format": "%d.%m.%Y"})
    sent(world)
    assert sent(world) == ["01.03.2026"]


def test_a_time_may_stand_within_a_longer_text(world: World) -> None:
    world.api.records = [order(1, at="2026-03-01T10:00:00Z")]
    format_ = "status:open updated:>=%Y-%m-%d"
    cursored(world, {"field": "at", "param": "since", "initial": INITIAL, "format": format_})
    sent(world)
    assert sent(world) == ["status:open updated:>=2026-03-01"]


def test_a_window_ends_behind_what_it_keeps_as_its_end() -> None:
    """It keeps the very moments; what is sent has everything between them in it."""
    found = window(format="%Y-%m-%d")
    assert (found.since, found.until) == (INITIAL, "2026-06-01T12:30:00.000005Z")
    assert found.params == {"since": "2026-01-01", "until": "2026-06-02"}


def test_spans_of_days_meet_at_days(world: World) -> None:
    cursor = {"field": "at", "param": "since", "until": "until", "initial": "2026-12-29T10:00:00Z", "step": "P1D"}
    cursored(world, {**cursor, "format": "%Y-%m-%d"})
    world.run()
    spans = sorted((asked.query["since"], asked.query["until"]) for asked in world.api.requests)
    assert spans == [("2026-12-29", "2026-12-30"), ("2026-12-30", "2026-12-31"), ("2026-12-31", "2027-01-01")]


def test_a_window_of_an_older_manifest_is_asked_as_it_was() -> None:
    kept = msgspec.to_builtins(window())
    del kept["paginate"]["more"]
    again = msgspec.convert(kept, Window)
    assert again.names is not None
    assert again.names.format is None
    assert again.between("2026-02-01T00:00:00Z", None).params["since"] == "2026-02-01T00:00:00Z"


def test_another_format_is_another_question() -> None:
    """A window that fails is begun again where the stream file asks another question by now."""
    spec = stream_of(source={"cursor": ENDING}).api.cursor
    assert window(format="epoch").without(spec) != window().without(spec)
    assert window(format="epoch").without(spec) == window(format="epoch", lag="PT2H").without(spec)


NESTED = {
    "within objects": lambda n: {"id": n, "amount": 1, "meta": {"times": {"updated": order(n)["at"]}}},
    "where some have none": lambda n: {
        "id": n,
        "amount": 1,
        "meta": {"times": {"updated": order(n)["at"]} if n else 7},
    },
}


@pytest.mark.parametrize("made", NESTED.values(), ids=NESTED.keys())
@pytest.mark.parametrize("declared", [{}, {"meta": {"times": {"updated": "string"}}}], ids=["as JSON", "as a struct"])
def test_a_cursor_may_lie_within_a_field(world: World, made: Any, declared: dict[str, Any]) -> None:
    world.api.records = [made(n) for n in (3, 0, 2)]
    cursor = {"field": "meta.times.updated", "param": "since", "initial": INITIAL}
    cursored(world, cursor, {"schema": {"declared": declared}})
    world.run()
    assert sent(world) == [order(3)["at"]]


def test_a_newer_version_within_a_field_is_a_new_record(world: World) -> None:
    world.api.records = [{"id": 1, "amount": 1, "meta": {"at": order(1)["at"]}}]
    cursored(world, {"field": "meta.at", "param": "since", "initial": INITIAL})
    world.run()
    world.run()
    world.api.records[0]["meta"] = {"at": order(2)["at"]}
    world.run()
    found = verify(world.store, "orders")
    assert (found.loaded, found.duplicates) == (2, 1)


def test_a_cursor_may_be_zero(world: World) -> None:
    world.api.records = [{"id": 1, "number": 0, "amount": 1}]
    cursored(world, {"field": "number", "param": "since", "initial": -5})
    assert sent(world) == ["-5"]
    assert sent(world) == ["0"]


@pytest.mark.parametrize("value", [False, None, "", {}, "soon"])
def test_what_is_no_value_moves_no_cursor(world: World, value: object) -> None:
    world.api.records = [{"id": 1, "number": value, "amount": 1}]
    cursored(world, {"field": "number", "param": "since", "initial": 0})
    world.run()
    assert sent(world) == ["0"]


def test_a_cursor_is_sent_within_a_body(world: World) -> None:
    body = {"query": "query ($since: String) { orders(since: $since) { id } }", "variables": {"first": 50}}
    cursor = {"field": "at", "param": "variables.since", "place": "body", "initial": INITIAL}
    cursored(world, cursor, method="POST", body=body)
    world.run()
    assert [asked.json for asked in world.api.requests] == [{**body, "variables": {"first": 50, "since": INITIAL}}]


def test_a_cursor_is_sent_in_a_header(world: World) -> None:
    cursored(world, {"field": "at", "param": "X-Since", "place": "header", "initial": INITIAL, "format": "epoch"})
    world.run()
    assert [asked.headers["X-Since"] for asked in world.api.requests] == [str(seconds(INITIAL))]


def test_each_row_of_a_parent_is_asked_in_the_format(world: World) -> None:
    world.api.records = [order(1)]
    world.run()
    asked: list[str] = []

    def answer(request: Asked) -> Response:
        asked.append(request.query["since"])
        return ok({"rows": [{"id": 1, "number": 1, "at": seconds(order(2)["at"]), "amount": 1}]})

    cursor = {"field": "at", "param": "since", "initial": INITIAL, "format": "epoch"}
    cursored(world, cursor, {"name": "lines"}, path="/orders/{id}", parent={"stream": "orders"})
    world.api.pages = answer
    world.run()
    world.run()
    assert asked == [str(seconds(INITIAL)), str(seconds(order(2)["at"]))]
