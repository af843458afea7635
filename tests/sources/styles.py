"""APIs whose pages follow each other in one way each, and what a stream file says of them."""

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.conftest import World, stream_of
from tests.fake_api import Asked, Response, ok

Style = tuple[dict[str, Any], Callable[[World], Callable[[Asked], Response]]]
SIZE = 30


def rows_from(world: World, start: int, size: int = SIZE) -> list[dict[str, Any]]:
    return world.api.records[start : start + size]


def by_offset(world: World) -> Callable[[Asked], Response]:
    """It answers fewer rows than it is asked for."""
    return lambda asked: ok(
        {"rows": rows_from(world, int(asked.query["offset"]), min(SIZE, int(asked.query["limit"])))}
    )


def by_offset_with_count(world: World) -> Callable[[Asked], Response]:
    def answer(asked: Asked) -> Response:
        found = rows_from(world, int(asked.query["skip"]), int(asked.query["take"]))
        return ok({"rows": found, "meta": {"count": len(world.api.records)}})

    return answer


def by_number_alone(world: World) -> Callable[[Asked], Response]:
    return lambda asked: ok({"rows": rows_from(world, int(asked.query["p"]) * SIZE)})


def by_number_in_a_body(world: World) -> Callable[[Asked], Response]:
    return lambda asked: ok({"rows": rows_from(world, asked.json["paging"]["page"] * SIZE)})


def by_number_with_total_in_words(world: World) -> Callable[[Asked], Response]:
    """Its pages are counted from 0, and their number is written as text."""

    def answer(asked: Asked) -> Response:
        total = -(-len(world.api.records) // SIZE)
        return ok({"rows": rows_from(world, int(asked.query["p"]) * SIZE), "pages": str(total)})

    return answer


def by_number_and_more(world: World) -> Callable[[Asked], Response]:
    """It answers its last page for ever."""

    def answer(asked: Asked) -> Response:
        last = max(0, len(world.api.records) - 1) // SIZE
        page = min(int(asked.query["page"]) - 1, last)
        return ok({"rows": rows_from(world, page * SIZE), "more": "true" if page < last else "False"})

    return answer


def by_offset_and_more(world: World) -> Callable[[Asked], Response]:
    """Its rows are counted from 1."""

    def answer(asked: Asked) -> Response:
        start = int(asked.query["startIndex"]) - 1
        return ok({"rows": rows_from(world, start), "more": start + SIZE < len(world.api.records)})

    return answer


def by_offset_from_one(world: World) -> Callable[[Asked], Response]:
    def answer(asked: Asked) -> Response:
        found = rows_from(world, int(asked.query["startIndex"]) - 1, int(asked.query["count"]))
        return ok({"rows": found, "totalResults": float(len(world.api.records))})

    return answer


def by_offset_in_a_body(world: World) -> Callable[[Asked], Response]:
    def answer(asked: Asked) -> Response:
        page = asked.json["page"]
        return ok({"rows": rows_from(world, page["from"], min(SIZE, page["size"]))})

    return answer


def by_number_found_out(world: World, first: int, *, told: bool) -> Callable[[Asked], Response]:
    """It says how many pages there are, and perhaps which one this is."""

    def answer(asked: Asked) -> Response:
        page = int(asked.query.get("page", first))
        number = {"number": page} if told else {}
        total = -(-len(world.api.records) // SIZE)
        return ok({"rows": rows_from(world, (page - first) * SIZE), "page": {"totalPages": total, **number}})

    return answer


def by_token(world: World) -> Callable[[Asked], Response]:
    def answer(asked: Asked) -> Response:
        start = int(asked.query.get("after", "t0")[1:])
        after = start + SIZE
        return ok({"rows": rows_from(world, start), "next": f"t{after}" if after < len(world.api.records) else None})

    return answer


def by_guessed_token(world: World) -> Callable[[Asked], Response]:
    def answer(asked: Asked) -> Response:
        start = int(asked.query.get("cursor", "t0")[1:])
        after = start + SIZE
        meta = {"next_cursor": f"t{after}" if after < len(world.api.records) else ""}
        return ok({"rows": rows_from(world, start), "meta": meta})

    return answer


def by_token_in_headers(world: World) -> Callable[[Asked], Response]:
    def answer(asked: Asked) -> Response:
        start = int(asked.headers.get("X-Page", "0"))
        after = start + SIZE
        headers = {"X-Next-Page": str(after)} if after < len(world.api.records) else {}
        return 200, headers, ok({"rows": rows_from(world, start)})[2]

    return answer


def by_token_in_a_body(world: World) -> Callable[[Asked], Response]:
    """A query is posted; the last page has a token too, and says that there are no more."""

    def answer(asked: Asked) -> Response:
        start = int(asked.json["variables"].get("cursor", 0))
        after = start + SIZE
        page = {"rows": rows_from(world, start), "end": str(after), "more": after < len(world.api.records)}
        return ok(page)

    return answer


def by_link_header(world: World) -> Callable[[Asked], Response]:
    def answer(asked: Asked) -> Response:
        start = int(asked.query.get("start", "0"))
        after = start + SIZE
        links = [f'<{world.api.url}/x?start=0>; rel="first"']
        if after < len(world.api.records):
            links.append(f'<{asked.path}?start={after}&sign=a,b>; title="a;b", rel=x; rel="prefetch next"')
        last = links[-1].replace('; title="a;b", rel=x;', ";")
        return 200, {"Link": ", ".join([*links[:-1], last])}, ok({"rows": rows_from(world, start)})[2]

    return answer


def all_at_once(world: World) -> Callable[[Asked], Response]:
    return lambda asked: ok({"rows": world.api.records if asked.path == "/rows" else []})


STYLES: dict[str, Style] = {
    "offset": ({"paginate": {"kind": "offset", "limit": 50}}, by_offset),
    "offset, counted": (
        {"paginate": {"kind": "offset", "param": "skip", "limit": 50, "limit_param": "take", "count": "meta.count"}},
        by_offset_with_count,
    ),
    "number alone": ({"paginate": {"kind": "page_number", "param": "p", "first": 0}}, by_number_alone),
    "number in a body": (
        {"method": "POST", "body": {"paging": {"size": SIZE}, "q": "all"},
         "paginate": {"kind": "page_number", "param": "paging.page", "place": "body", "first": 0}},
        by_number_in_a_body,
    ),
    "number from 0, with a total in words": (
        {"paginate": {"kind": "page_number", "param": "p", "first": 0, "total": "pages"}},
        by_number_with_total_in_words,
    ),
    "number, and whether there are more": ({"paginate": {"kind": "page_number", "more": "more"}}, by_number_and_more),
    "offset from 1, and whether there are more": (
        {"paginate": {"kind": "offset", "param": "startIndex", "first": 1, "more": "more"}},
        by_offset_and_more,
    ),
    "offset from 1, counted": (
        {"paginate": {"kind": "offset", "param": "startIndex", "first": 1, "limit": SIZE, "limit_param": "count",
                      "count": "totalResults"}},
        by_offset_from_one,
    ),
    "offset in a body": (
        {"method": "POST", "body": {"q": "all"},
         "paginate": {"kind": "offset", "place": "body", "param": "page.from", "limit": 50,
                      "limit_param": "page.size"}},
        by_offset_in_a_body,
    ),
    "token": ({"paginate": {"kind": "cursor", "param": "after", "next": "next"}}, by_token),
    "token in headers": (
        {"paginate": {"kind": "cursor", "param": "X-Page", "place": "header", "header": "x-next-page"}},
        by_token_in_headers,
    ),
    "token in a body, and whether there are more": (
        {"method": "POST", "body": {"query": "{ rows }", "variables": {}},
         "paginate": {"kind": "cursor", "param": "variables.cursor", "place": "body", "next": "end", "more": "more"}},
        by_token_in_a_body,
    ),
    "link header": ({"paginate": {"kind": "header_link"}}, by_link_header),
    "one answer": ({"path": "/rows", "paginate": {"kind": "single"}}, all_at_once),
    "found out: token": ({"paginate": {"kind": "auto"}}, by_guessed_token),
    "found out: link header": ({"paginate": {"kind": "auto"}}, by_link_header),
    "found out: number": ({"paginate": {"kind": "auto"}}, partial(by_number_found_out, first=1, told=True)),
    "found out: number from 0": ({"paginate": {"kind": "auto"}}, partial(by_number_found_out, first=0, told=True)),
    "found out: one answer": ({"path": "/rows", "paginate": {"kind": "auto"}}, all_at_once),
}  # fmt: skip


def styled(world: World, style: Style, **source: Any) -> None:
    described, made = style
    world.stream = stream_of(source={"records": "rows", "cursor": None, **described, **source}, partition_by=None)
    world.api.pages = made(world)
