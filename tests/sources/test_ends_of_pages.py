"""What an answer says of the pages behind it is believed, or refused; it is never guessed."""

from functools import partial
from typing import Any

import pytest

from datastream.lake.verify import verify
from datastream.sources.answer import AnswerUnexpected
from tests.conftest import World, orders, stream_of
from tests.fake_api import ok
from tests.sources.styles import SIZE, STYLES, by_number_found_out, by_token, styled


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("count", [0, 1, SIZE, SIZE + 1, 100])
def test_numbers_that_are_found_out_may_begin_anywhere(world: World, first: int, count: int) -> None:
    """No answer tells which page it is: one may come twice, and none is left out."""
    world.api.records = orders(count)
    styled(world, ({"paginate": {"kind": "auto"}}, partial(by_number_found_out, first=first, told=False)))
    world.run()
    assert verify(world.store, "orders").loaded == count


@pytest.mark.parametrize("total", ["many", "", "-3", "1e3", "٣", {"count": 5}, [100], 2.5, -1, True, None])
def test_a_total_that_is_none_is_refused(world: World, total: object) -> None:
    styled(world, ({"paginate": {"kind": "page_number", "total": "total"}}, by_token))
    world.api.pages = lambda _: ok({"rows": orders(1), "total": total})
    with pytest.raises(AnswerUnexpected, match="expects a number of pages or rows"):
        world.run()


WAYS_TO_MORE: list[dict[str, Any]] = [
    {"kind": "page_number", "more": "more"},
    {"kind": "offset", "more": "more"},
    {"kind": "cursor", "next": "next", "more": "more"},
]


@pytest.mark.parametrize("paginate", WAYS_TO_MORE, ids=lambda paginate: paginate["kind"])
def test_an_answer_that_does_not_say_whether_there_are_more_is_refused(world: World, paginate: dict[str, Any]) -> None:
    """A slip in the path would end each window at its first page."""
    styled(world, ({"paginate": paginate}, by_token))
    world.api.pages = lambda _: ok({"rows": orders(1), "next": "t1"})
    with pytest.raises(AnswerUnexpected, match="does not say at 'more' whether there are more pages"):
        world.run()
    assert list(world.store.keys("_log/")) == []


@pytest.mark.parametrize("paginate", WAYS_TO_MORE, ids=lambda paginate: paginate["kind"])
@pytest.mark.parametrize("more", [False, "false", "FALSE", 0, "0", None, ""])
def test_pages_end_where_there_are_no_more(world: World, paginate: dict[str, Any], more: object) -> None:
    styled(world, ({"paginate": paginate}, by_token))
    world.api.pages = lambda _: ok({"rows": orders(3), "next": "t1", "more": more})
    world.run()
    assert (len(world.api.requests), verify(world.store, "orders").loaded) == (1, 3)


@pytest.mark.parametrize(
    ("paginate", "said"),
    [
        ({"kind": "offset", "more": "more"}, "no rows from row 0 and more to come"),
        ({"kind": "cursor", "next": "next", "more": "more"}, "names no token of the next one at 'next'"),
    ],
)
def test_more_rows_that_nobody_can_ask_for_are_told(world: World, paginate: dict[str, Any], said: str) -> None:
    styled(world, ({"paginate": paginate}, by_token))
    world.api.pages = lambda _: ok({"rows": [], "next": "", "more": True})
    with pytest.raises(AnswerUnexpected, match=said):
        world.run()


def test_an_empty_page_that_names_another_is_not_the_last(world: World) -> None:
    """Some leave out rows that nobody may see, and a page may have no other."""
    styled(world, STYLES["token"])
    world.api.pages = lambda asked: ok(
        {"rows": orders(3), "next": None} if asked.query.get("after") == "t2" else {"rows": [], "next": "t2"}
    )
    world.run()
    assert verify(world.store, "orders").loaded == 3


@pytest.mark.parametrize("token", [0, False, None, ""])
def test_a_token_of_nothing_ends_the_pages(world: World, token: object) -> None:
    styled(world, STYLES["token"])
    world.api.pages = lambda _: ok({"rows": orders(3), "next": token})
    world.run()
    assert (len(world.api.requests), verify(world.store, "orders").loaded) == (1, 3)


@pytest.mark.parametrize(("kind", "other"), [("page_number", "total"), ("offset", "count")])
def test_only_one_tells_where_pages_end(kind: str, other: str) -> None:
    with pytest.raises(ValueError, match=f"name {other} alone"):
        stream_of(source={"paginate": {"kind": kind, "more": "more", other: "n"}})
