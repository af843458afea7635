"""Every style of pages is read to its end, row by row, once; one that has no end ends with a sentence."""

import json
from typing import Any

import pytest

from datastream.lake.verify import verify
from datastream.sources.answer import Answer, AnswerUnexpected
from datastream.sources.judge import ApiRefused
from datastream.sources.paginators import PagesWithoutEnd, detect
from tests.conftest import World, orders, stream_of
from tests.fake_api import Asked, Response, ok
from tests.sources.styles import SIZE, STYLES, Style, all_at_once, rows_from, styled


@pytest.mark.parametrize("count", [0, 1, SIZE, SIZE + 1, 500])
@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES.keys())
def test_every_row_arrives_once(world: World, style: Style, count: int) -> None:
    world.api.records = orders(count)
    styled(world, style)
    world.run()
    found = verify(world.store, "orders")
    assert (found.read, found.loaded, found.problems) == (count, count, [])


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES.keys())
def test_a_run_that_died_in_the_middle_goes_on_where_it_stood(world: World, style: Style) -> None:
    """The next run asks for no page again that was committed; of one answer there is no middle."""
    world.api.records = orders(500)
    styled(world, style)
    world.stream = world.stream.model_copy(update={"batch": world.stream.batch.model_copy(update={"per_commit": 1})})
    whole, asked = world.api.pages, 0
    assert whole is not None

    def breaking(request: Asked) -> Response:
        nonlocal asked
        asked += 1
        return whole(request) if asked <= 8 or style[1] is all_at_once else (400, {}, b"no more of it today")

    world.api.pages = breaking
    if style[1] is all_at_once:
        world.run()
    else:
        with pytest.raises(ApiRefused, match="no more of it today"):
            world.run()
    before = verify(world.store, "orders").read
    world.api.pages = whole
    world.api.requests.clear()
    world.run()
    found = verify(world.store, "orders")
    assert (found.loaded, found.problems) == (500, [])
    if style[1] is not all_at_once:
        assert 0 < before < 500
        assert found.duplicates == 0, "no page was read again"


ENDLESS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, str]]] = {
    "the same token": ({"kind": "cursor", "next": "next"}, {"next": "t1"}, {}),
    "the same link": ({"kind": "next_link"}, {"next": "/numbered?again=1"}, {}),
    "the same header": ({"kind": "header_link"}, {}, {"Link": '</numbered?again=1>; rel="next"'}),
    "a token that is guessed wrongly": ({"kind": "auto"}, {"next_cursor": "t1"}, {}),
}


@pytest.mark.parametrize(("paginate", "page", "headers"), ENDLESS.values(), ids=ENDLESS.keys())
def test_r43_pages_that_lead_to_themselves_end_the_run_and_move_nothing(
    world: World, paginate: dict[str, Any], page: dict[str, Any], headers: dict[str, str]
) -> None:
    world.stream = stream_of(source={"records": "rows", "paginate": paginate})
    world.api.pages = lambda _: (200, headers, ok({"rows": orders(3), **page})[2])
    with pytest.raises(PagesWithoutEnd, match="has been read already"):
        world.run()
    assert len(world.api.requests) <= 3
    assert list(world.store.keys("_log/")) == []


COUNTLESS: dict[str, dict[str, Any]] = {
    "new tokens for ever": {"kind": "cursor", "next": "next"},
    "numbers for ever": {"kind": "page_number"},
    "rows for ever": {"kind": "offset"},
}


@pytest.mark.parametrize("paginate", COUNTLESS.values(), ids=COUNTLESS.keys())
def test_r43_an_api_without_an_end_is_left_after_the_most_pages(world: World, paginate: dict[str, Any]) -> None:
    world.stream = stream_of(source={"records": "rows", "paginate": paginate, "max_pages": 7})
    world.api.pages = lambda _: ok({"rows": orders(3), "next": f"t{len(world.api.requests)}"})
    with pytest.raises(PagesWithoutEnd, match="page 8 in a row"):
        world.run()
    assert len(world.api.requests) == 7


def test_a_count_that_falls_begins_the_window_again(world: World) -> None:
    """A row is deleted while pages are read: later ones have moved to pages already read."""
    world.api.records = orders(200)
    styled(world, STYLES["offset, counted"])
    whole = world.api.pages
    assert whole is not None

    def shrinking(asked: Asked) -> Response:
        answer = whole(asked)
        if asked.query["skip"] == "50":
            world.api.records = [row for row in world.api.records if row["id"] != 7]
        return answer

    world.api.pages = shrinking
    world.run()
    assert world.rows("select count(distinct id) from orders where id > 7") == [(193,)]


def test_a_server_that_gives_fewer_rows_than_asked_is_asked_for_no_page_in_vain(world: World) -> None:
    """Pages are fetched ahead, by what it gave and not by what it was asked for."""
    world.api.records = orders(500)
    styled(world, STYLES["offset, counted"])
    world.api.pages = lambda asked: ok(
        {"rows": rows_from(world, int(asked.query["skip"])), "meta": {"count": len(world.api.records)}}
    )
    world.run()
    assert verify(world.store, "orders").loaded == 500
    assert sorted(int(asked.query["skip"]) for asked in world.api.requests) == list(range(0, 500, SIZE))


def test_an_empty_page_before_the_count_is_refused(world: World) -> None:
    styled(world, STYLES["offset, counted"])
    world.api.pages = lambda _: ok({"rows": [], "meta": {"count": 50}})
    with pytest.raises(AnswerUnexpected, match=r"no rows from row 0 of 50, which cannot be"):
        world.run()


@pytest.mark.parametrize("token", [1.5, ["t"], {"t": 1}, True])
def test_a_token_that_is_none_is_refused(world: World, token: object) -> None:
    styled(world, STYLES["token"])
    world.api.pages = lambda _: ok({"rows": orders(1), "next": token})
    with pytest.raises(AnswerUnexpected, match="neither text nor a number"):
        world.run()


FOUND = {
    "header_link": ({}, {"Link": '<https://x/?page=2>; rel="next"'}),
    "next_link next": ({"next": "https://x/?page=2"}, {}),
    "next_link links.next": ({"links": {"next": "/x?page=2"}}, {}),
    "next_link @odata.nextLink": ({"@odata.nextLink": "https://x/$skip=1"}, {}),
    "cursor response_metadata.next_cursor": ({"response_metadata": {"next_cursor": "dXNlcg=="}}, {}),
    "cursor nextPageToken": ({"nextPageToken": "abc"}, {}),
    "page_number total_pages": ({"total_pages": 4, "page": 1}, {}),
    "page_number pagination.totalPages": ({"pagination": {"currentPage": 1, "totalPages": 5, "totalItems": 10}}, {}),
    "next_link _links.next.href": ({"_links": {"next": {"href": "https://x/?page=2"}}, "page": {"totalPages": 9}}, {}),
    "next_link links.nextPage": ({"links": {"nextPage": "/x?page=2", "lastPage": "/x?page=9"}}, {}),
    "cursor cursors.next": ({"cursors": {"next": "NjM=", "previous": "MTk="}}, {}),
    "cursor paging.next.after": ({"paging": {"next": {"after": "100"}}}, {}),
    "single": ({"next": None, "total_pages": 1, "links": {"self": "/x"}}, {}),
}


@pytest.mark.parametrize(("expected", "page", "headers"), [(name, *case) for name, case in FOUND.items()], ids=FOUND)
def test_the_style_is_found_out_by_the_first_answer(
    expected: str, page: dict[str, Any], headers: dict[str, str]
) -> None:
    found = detect(Answer("https://x", json.dumps(page).encode(), headers))
    where = getattr(found, "next", None) or getattr(found, "total", None)
    assert " ".join(filter(None, [found.kind, where])) == expected
