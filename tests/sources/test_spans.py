"""A window in spans: read side by side, committed in order, and gone on with in the middle."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest

from datastream.errors import Permanent
from datastream.lake.verify import verify
from tests.conftest import World, order, orders, stream_of
from tests.fake_api import Asked, Response, ok

DAYS = {"field": "at", "param": "since", "until": "until", "initial": "2026-01-01T00:00:00Z", "lag": "PT1H"}
CURSOR = {**DAYS, "step": "P7D"}
UNTIL = "2027-01-01T00:00:00Z"


def in_spans(world: World, **source: Any) -> None:
    links = {"kind": "next_link", "next": "next"}
    source = {"records": "rows", "paginate": links, "cursor": CURSOR, **source}
    batch = {"size": 100, "per_commit": 1}
    world.stream = stream_of(source=source, partition_by=None, batch=batch)
    world.api.pages = lambda asked: spanned(world, asked)


def spanned(world: World, asked: Asked, *, ends: bool = False) -> Response:
    """Answer what lies in [since, until), or at its end too: ten rows a page, each page naming the next."""
    since, until, start = asked.query["since"], asked.query["until"], int(asked.query.get("start", "0"))
    rows = [row for row in world.api.records if since <= row["at"] < until or (ends and row["at"] == until)]
    following = f"/numbered?since={since}&until={until}&start={start + 10}" if start + 10 < len(rows) else None
    return ok({"rows": rows[start : start + 10], "next": following})


def test_every_row_of_every_span_arrives_once(world: World) -> None:
    world.api.records = orders(500)
    in_spans(world)
    world.run()
    found = verify(world.store, "orders")
    assert (found.loaded, found.problems) == (500, [])
    assert world.rows("select count(*), count(distinct id) from orders") == [(500, 500)]


def test_spans_meet_and_leave_nothing_out(world: World) -> None:
    in_spans(world)
    world.run()
    spans = sorted((asked.query["since"], asked.query["until"]) for asked in world.api.requests)
    assert [since for since, _ in spans[1:]] == [until for _, until in spans[:-1]]
    assert (spans[0][0], spans[-1][1]) == (DAYS["initial"], UNTIL)
    lengths = {datetime.fromisoformat(until) - datetime.fromisoformat(since) for since, until in spans[:-1]}
    assert lengths == {timedelta(days=7)}


def test_spans_are_read_at_the_same_time(world: World) -> None:
    """The first span's answer is held back until another span was asked for."""
    world.api.records = orders(500)
    in_spans(world)
    other = threading.Event()

    def held(asked: Asked) -> Response:
        if asked.query["since"] == DAYS["initial"]:
            assert other.wait(20)
        else:
            other.set()
        return spanned(world, asked)

    world.api.pages = held
    world.run()
    assert verify(world.store, "orders").loaded == 500


def test_what_is_read_ahead_is_committed_in_order(world: World) -> None:
    world.api.records = orders(500)
    in_spans(world)
    commits = world.run()
    greatest = [commit.files[-1].cursor[1] for commit in commits if commit.files and commit.files[-1].cursor]
    assert len(commits) > 3
    assert greatest == sorted(greatest)


def test_the_cursor_moves_at_the_windows_end_to_the_greatest_value_of_all_spans(world: World) -> None:
    world.api.records = orders(500)
    in_spans(world)
    *before, last = world.run()
    assert {commit.header.offsets.get("cursor") for commit in before} == {None}
    assert last.header.offsets == {"cursor": order(500)["at"]}


def test_a_run_that_died_goes_on_in_its_span(world: World) -> None:
    world.api.records = orders(500)
    in_spans(world)

    def breaking(asked: Asked) -> Response:
        return (400, {}, b"not now") if asked.query["since"] > "2026-01-20" else spanned(world, asked)

    world.api.pages = breaking
    with pytest.raises(Permanent, match="not now"):
        world.run()
    before = verify(world.store, "orders").read
    world.api.pages = lambda asked: spanned(world, asked)
    world.api.requests.clear()
    world.run()
    assert 0 < before < 500
    assert min(asked.query["since"] for asked in world.api.requests) > DAYS["initial"]
    found = verify(world.store, "orders")
    assert (found.loaded, found.duplicates, found.problems) == (500, 0, [])


def test_a_span_is_begun_again_where_its_page_is_gone_though_rows_come_in_order(world: World) -> None:
    world.api.records = orders(500)
    in_spans(world, cursor={**CURSOR, "ordered": True})
    gone: list[str] = []

    def breaking(asked: Asked) -> Response:
        return (400, {}, b"not now") if asked.query.get("start") == "120" else spanned(world, asked)

    def forgotten(asked: Asked) -> Response:
        if "start" not in asked.query or gone:
            return spanned(world, asked)
        gone.append(asked.query["start"])
        return 410, {}, b"gone"

    world.api.pages = breaking
    with pytest.raises(Permanent, match="not now"):
        world.run()
    world.api.pages = forgotten
    world.run()
    assert gone == ["100"]
    found = verify(world.store, "orders")
    assert (found.loaded, found.problems) == (500, [])


def test_an_open_window_keeps_its_spans_when_the_file_has_others(world: World) -> None:
    test_a_run_that_died_goes_on_in_its_span(world)
    world.api.records += [order(500 + n) for n in range(1, 100)]
    in_spans(world, cursor={**CURSOR, "step": "P1D"})
    world.run()
    assert verify(world.store, "orders").loaded == 599


def test_rows_at_the_edge_of_two_spans_are_loaded_once(world: World) -> None:
    """The API answers both ends, so a row at the edge comes with either span."""
    world.api.records = [order(n, at="2026-01-08T00:00:00Z") for n in range(1, 31)]
    in_spans(world)
    world.api.pages = lambda asked: spanned(world, asked, ends=True)
    world.run()
    found = verify(world.store, "orders")
    assert (found.read, found.loaded, found.duplicates) == (60, 30, 30)


@pytest.mark.parametrize("cursor", [{**DAYS, "until": None, "step": "P1D"}, {**CURSOR, "initial": 7, "lag": "PT0S"}])
def test_spans_want_a_parameter_for_their_end_and_a_time(cursor: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"name until|is no time"):
        stream_of(source={"cursor": cursor})
