"""Requests and answers as they come up in the test suites of other tools that read REST APIs, and what is done here."""

from collections.abc import Callable
from typing import Any

import pytest

from datastream.connections import ApiConfig
from datastream.lake.verify import verify
from datastream.sources.answer import Answer, AnswerBroken, AnswerUnexpected
from datastream.sources.judge import ApiRefused
from datastream.sources.request import Question
from tests.conftest import World, order, orders, stream_of
from tests.fake_api import Asked, Response, ok

ONE = {"paginate": {"kind": "single"}, "records": "rows", "cursor": None}


def asking(world: World, **source: Any) -> None:
    world.stream = stream_of(source={**ONE, **source}, partition_by=None, transform=None)


def answered(world: World, document: Any, **source: Any) -> int:
    """Return how many rows there are once an answer was read."""
    asking(world, **source)
    world.api.pages = lambda _: ok(document)
    world.run()
    return verify(world.store, "orders").loaded


QUERIES: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "/x"),
    "text, empty text and numbers": ({"sort": "a b", "locale": "", "n": 0}, "/x?sort=a+b&locale=&n=0"),
    "true and false": ({"archived": False, "all": True}, "/x?archived=false&all=true"),
    "several values": ({"id": [1, 2], "on": [True]}, "/x?id=1&id=2&on=true"),
    "what looks like several": ({"id": "1,2", "q": "[1]"}, "/x?id=1%2C2&q=%5B1%5D"),
}


@pytest.mark.parametrize(("params", "target"), QUERIES.values(), ids=QUERIES.keys())
def test_parameters_are_written_as_apis_read_them(world: World, params: dict[str, Any], target: str) -> None:
    answered(world, {"rows": []}, path="/x", params=params)
    assert world.api.asked == [target]


def test_parameters_are_added_to_those_of_the_path(world: World) -> None:
    paginate = {"kind": "offset", "limit": 5}
    answered(world, {"rows": []}, path="/x?fields=id,at", params={"a": 1}, paginate=paginate)
    assert world.api.asked == ["/x?fields=id,at&a=1&limit=5&offset=0"]


def test_a_paginators_parameter_counts_and_not_what_stands_in_the_stream(world: World) -> None:
    answered(world, {"rows": []}, path="/x", params={"page": 100}, paginate={"kind": "page_number"})
    assert world.api.asked == ["/x?page=1"]


def test_a_form_is_flat(world: World) -> None:
    paginate = {"kind": "page_number", "param": "paging.page", "place": "body"}
    answered(world, {"rows": []}, method="POST", form=True, body={"on": True, "id": [1, 2]}, paginate=paginate)
    assert world.api.requests[0].body == b"on=true&id=1&id=2&paging.page=1"


PATHS = [("", "a"), ("/", "a"), ("/", "/a"), ("", "/a"), ("/v1", "a"), ("/v1/", "/a"), ("", "/a/"), ("/v1", "")]


@pytest.mark.parametrize(("base", "path"), PATHS)
def test_a_path_follows_its_base_by_one_slash(base: str, path: str) -> None:
    config = ApiConfig(base_url=f"https://api.example.org{base}")
    expected = "/".join(["https://api.example.org", *filter(None, [base.strip("/"), path.lstrip("/")])])
    assert Question(path=path).at(config.base_url).url == expected


LINKS = {
    "absolute": ("http://x/v1/orders?page=1", "http://x/v1/orders?page=2", "http://x/v1/orders?page=2"),
    "of the host": ("http://x:81/v1/orders", "/v1/orders?page=2", "http://x:81/v1/orders?page=2"),
    "without the base's path": ("http://x/v1/orders", "/orders?page=2", "http://x/orders?page=2"),
    "a query alone": ("http://x/v1/orders?a=1", "?page=2", "http://x/v1/orders?page=2"),
    "the last step": ("http://x/v1/orders/page/1", "2?n=5", "http://x/v1/orders/page/2?n=5"),
    "encoded": ("http://x/v1", "/v1?q=%E3%81%82&next=a%2Cb", "http://x/v1?q=%E3%81%82&next=a%2Cb"),
    "with a fragment": ("http://x/v1", "/v1?page=2#top", "http://x/v1?page=2"),
}


@pytest.mark.parametrize(("asked", "link", "url"), LINKS.values(), ids=LINKS.keys())
def test_a_link_is_resolved_by_the_address_that_was_asked(asked: str, link: str, url: str) -> None:
    """As RFC 3986 has it: nothing of the old query stays, and no parameter comes twice."""
    assert Answer(asked, b"").address(link) == url


@pytest.mark.parametrize("last", [{}, {"next": None}, {"next": ""}], ids=["absent", "null", "empty"])
def test_links_end_where_none_is_given(world: World, last: dict[str, Any]) -> None:
    asking(world, path="/x", params={"sort": "id"}, paginate={"kind": "next_link"})
    world.api.pages = lambda asked: ok(
        {"rows": orders(2), "next": "/x?page=2&sort=id"}
        if "page" not in asked.query
        else {"rows": orders(2, 3), **last}
    )
    world.run()
    assert world.api.asked == ["/x?sort=id", "/x?page=2&sort=id"]
    assert verify(world.store, "orders").loaded == 4


def test_a_link_of_a_posted_query_is_posted_too(world: World) -> None:
    asking(world, path="/x", method="POST", body={"q": "all"}, paginate={"kind": "next_link"})
    world.api.pages = lambda asked: ok({"rows": [], "next": None if asked.query else "?page=2"})
    world.run()
    assert [(asked.method, asked.json) for asked in world.api.requests] == [("POST", {"q": "all"})] * 2


def test_one_answer_is_enough_though_it_names_another(world: World) -> None:
    assert answered(world, {"rows": orders(3), "next": "/x?page=2"}) == 3
    assert len(world.api.asked) == 1


FOUND: dict[str, tuple[dict[str, Any], Any, int]] = {
    "an empty list": ({}, {"rows": []}, 0),
    "null for an empty list": ({"errors": [{"path": "rows", "equals": None, "then": "ignore"}]}, {"rows": None}, 0),
    "null and nothing else": ({"errors": [{"path": "", "equals": None, "then": "ignore"}], "records": ""}, None, 0),
    "names with dots and hyphens": ({"records": "a.b-c.rows"}, {"a.b-c": {"rows": orders(2)}}, 2),
    "within a list": ({"records": "sets.0.rows"}, {"sets": [{"rows": orders(2)}]}, 2),
    "at a list's end": ({"records": "-1"}, [[], orders(2)], 2),
    "one record": ({"format": "object"}, {"rows": order(1)}, 1),
    "one record and nothing else": ({"format": "object", "records": ""}, order(1), 1),
}


@pytest.mark.parametrize(("source", "document", "count"), FOUND.values(), ids=FOUND.keys())
def test_records_are_found(world: World, source: dict[str, Any], document: Any, count: int) -> None:
    assert answered(world, document, **source) == count


MISSED: dict[str, tuple[dict[str, Any], Any, str]] = {
    "nowhere": ({}, {"data": []}, "answered without 'rows'"),
    "null": ({}, {"rows": None, "msg": "invalid token"}, "where null is an empty list, say `errors: "),
    "nowhere, where null is an empty list": (
        {"errors": [{"path": "rows", "equals": None, "then": "ignore"}]},
        {"data": None},
        "answered without 'rows'",
    ),
    "an object": ({}, {"rows": {"EUR": 1}}, "say `format: object` where it is one record"),
    "text": ({}, {"rows": "none"}, "no list of records at 'rows'"),
    "a list for one record": ({"format": "object"}, {"rows": []}, "no object at 'rows'"),
    "null for one record": ({"format": "object"}, {"rows": None}, "no object at 'rows'"),
    "nowhere, one record": ({"format": "object"}, {}, "answered without 'rows'"),
    "a place that a list has not": ({"records": "rows.2"}, {"rows": [1, 2]}, r"answered without 'rows\.2'"),
    "a name in a list": ({"records": "rows.id"}, {"rows": [{"id": 1}]}, r"answered without 'rows\.id'"),
}


@pytest.mark.parametrize(("source", "document", "said"), MISSED.values(), ids=MISSED.keys())
def test_what_are_no_records_is_never_taken_for_none(
    world: World, source: dict[str, Any], document: Any, said: str
) -> None:
    with pytest.raises(AnswerUnexpected, match=said):
        answered(world, document, **source)
    assert list(world.store.keys("_log/")) == []


def test_what_is_no_json_is_no_null(world: World) -> None:
    asking(world, records="", errors=[{"path": "", "equals": None, "then": "ignore"}])
    world.api.pages = lambda _: (200, {}, b"<html>")
    with pytest.raises(AnswerBroken):
        world.run()


def test_one_record_is_found_beside_what_no_reader_takes() -> None:
    answer = Answer("u", b'{"a": [{"x": "\\ud800"}, {"b": {"c": 1e400}}]}')
    assert bytes(answer.record("a.1.b")) == b'{"c": 1e400}'
    assert (answer.has("a.-1.b.c"), answer.has("a.-3"), answer.value("a.5")) == (True, False, None)


def test_records_that_are_no_objects_are_set_aside(world: World) -> None:
    assert answered(world, {"rows": [1, "a", None, [order(1)], order(2)]}) == 1
    assert world.rows("select count(*) from orders_quarantine") == [(4,)]


@pytest.mark.parametrize("status", [200, 201, 203, 206])
def test_an_answer_that_hands_over_what_was_asked_for_is_a_page(world: World, status: int) -> None:
    asking(world)
    world.api.pages = lambda _: (status, {}, ok({"rows": orders(3)})[2])
    world.run()
    assert verify(world.store, "orders").loaded == 3


@pytest.mark.parametrize("status", [202, 204, 205, 226, 304])
def test_any_other_status_is_a_page_only_where_the_stream_says_so(world: World, status: int) -> None:
    """202 is an answer that is not ready, and 204 may be an error of the other side: nothing is taken for no rows."""
    asking(world)
    world.api.pages = lambda _: (status, {}, b"")
    with pytest.raises(ApiRefused, match=f"answered {status}"):
        world.run()
    asking(world, errors=[{"status": status, "then": "ignore"}])
    assert world.run() == []


def test_a_first_page_that_is_ignored_leaves_no_trace(world: World) -> None:
    world.stream = stream_of(source={"errors": [{"status": 404, "then": "ignore"}]})
    world.api.fault = lambda _: (404, {}, b"nothing since")
    assert world.run() == []
    world.api.fault = None
    world.api.records = orders(3)
    world.run()
    assert verify(world.store, "orders").loaded == 3


def last_record(world: World) -> Callable[[Asked], Response]:
    """It is asked for what comes after a record, as those of payments and of chats are."""

    def answer(asked: Asked) -> Response:
        after = int(asked.query.get("starting_after", "0"))
        rows = [row for row in world.api.records if row["id"] > after][:30]
        return ok({"rows": rows, "has_more": bool(rows) and rows[-1]["id"] < len(world.api.records)})

    return answer


@pytest.mark.parametrize("more", [{"more": "has_more"}, {}], ids=["says so", "up to an empty page"])
@pytest.mark.parametrize("count", [0, 30, 31, 100])
def test_pages_that_follow_a_record_are_read_to_the_last(world: World, more: dict[str, str], count: int) -> None:
    world.api.records = orders(count)
    asking(world, paginate={"kind": "cursor", "param": "starting_after", "next": "rows.-1.id", **more})
    world.api.pages = last_record(world)
    world.run()
    found = verify(world.store, "orders")
    assert (found.read, found.problems) == (count, [])
