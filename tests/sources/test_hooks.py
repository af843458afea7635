"""Functions of one's own, where YAML ends."""

import json
import sys
from types import ModuleType
from typing import Any

import msgspec
import pytest

from datastream.errors import Permanent
from datastream.lake.verify import verify
from datastream.sources.answer import Answer
from datastream.sources.hooks import HookFailed, HookMissing
from datastream.sources.paginators import PagesWithoutEnd
from datastream.sources.request import Request
from tests.conftest import World, orders, stream_of
from tests.fake_api import Asked, Response

SIZE = 20


def signed(request: Request) -> Request:
    return msgspec.structs.replace(request, headers={**request.headers, "X-Signed": request.url[-9:]})


def elsewhere(request: Request) -> Request:
    return msgspec.structs.replace(request, url="http://elsewhere.example/")


def rows(body: bytes) -> list[dict[str, Any]]:
    names, *lines = body.decode().splitlines()
    return [dict(zip(names.split("|"), map(number, line.split("|")), strict=True)) for line in lines]


def number(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def following(answer: Answer, params: dict[str, Any]) -> dict[str, Any] | None:
    page = params.get("page", 1)
    return {"page": page + 1} if page < int(answer.headers["X-Pages"]) else None


def the_same(*_: Any) -> dict[str, Any]:
    return {"page": 1}


def raises(*_: Any) -> Any:
    raise KeyError("what")


def nonsense(*_: Any) -> Any:
    return 7


def unheard_of(_: bytes) -> Any:
    yield {"id": object()}


def writing(request: Request) -> Request:
    request.headers["X-Signed"] = request.url[-9:]
    return request


def leaves(*_: Any) -> Any:
    sys.exit(0)


def counting(request: Request) -> Request:
    return msgspec.structs.replace(request, headers={"X-Number": None})  # type: ignore[dict-item]


def breaking_lines(request: Request) -> Request:
    return msgspec.structs.replace(request, headers={"X-Name": "a\r\nb"})


def hooked(world: World, *, paginate: str = "following", **hooks: str) -> None:
    named = {name: f"{__name__}:{function}" for name, function in {"records": "rows", **hooks}.items()}
    source = {"hooks": named, "paginate": {"kind": "python", "next": f"{__name__}:{paginate}"}, "cursor": None}
    world.stream = stream_of(source=source, partition_by=None, batch={"size": SIZE, "per_commit": 1})
    world.api.pages = lambda asked: piped(world, asked)


def piped(world: World, asked: Asked) -> Response:
    """Answer in a format that nobody else has."""
    page, records = int(asked.query.get("page", "1")), world.api.records
    found = records[(page - 1) * SIZE :][:SIZE]
    text = "\n".join(["id|at|amount", *(f"{row['id']}|{row['at']}|{row['amount']}" for row in found)])
    return 200, {"X-Pages": str(-(-len(records) // SIZE))}, text.encode()


def test_records_and_pages_are_found_by_functions_of_ones_own(world: World) -> None:
    world.api.records = orders(50)
    hooked(world)
    world.run()
    assert world.rows("select count(*), count(distinct id), sum(amount) from orders") == [(50, 50, 1275)]


def test_a_request_is_changed_before_it_is_sent(world: World) -> None:
    world.api.records = orders(50)
    hooked(world, request="signed")
    world.run()
    assert [asked.headers["X-Signed"] for asked in world.api.requests] == ["/numbered", "ed?page=2", "ed?page=3"]


def test_a_run_that_died_goes_on_at_the_page_where_it_stood(world: World) -> None:
    world.api.records = orders(200)
    hooked(world)
    whole = world.api.pages
    assert whole is not None
    world.api.pages = lambda asked: (400, {}, b"not now") if asked.query.get("page") == "7" else whole(asked)
    with pytest.raises(Permanent, match="not now"):
        world.run()
    world.api.pages = whole
    world.api.requests.clear()
    world.run()
    assert int(world.api.requests[0].query["page"]) > 3
    found = verify(world.store, "orders")
    assert (found.loaded, found.duplicates) == (200, 0)


@pytest.mark.parametrize(
    ("hooks", "said"),
    [
        ({"request": "raises"}, r"raised KeyError: 'what', at http://127.0.0.1:\d+/numbered"),
        ({"request": "nonsense"}, "returned int and not a Request"),
        ({"request": "elsewhere"}, "an address on another host"),
        ({"records": "raises"}, "raised KeyError: 'what'"),
        ({"records": "nonsense"}, "returned int and not a list of dicts"),
        ({"records": "unheard_of"}, "raised TypeError: .*object"),
        ({"paginate": "raises"}, r"raised KeyError: 'what', at http://127.0.0.1:\d+/numbered"),
        ({"paginate": "nonsense"}, "returned 7 as what asks for the next page"),
    ],
)
def test_a_hook_that_fails_ends_the_run_with_a_sentence(world: World, hooks: dict[str, str], said: str) -> None:
    world.api.records = orders(50)
    hooked(world, **hooks)
    with pytest.raises(HookFailed, match=said):
        world.run()
    assert verify(world.store, "orders").commits == 0


def test_pages_that_come_again_end_the_run(world: World) -> None:
    world.api.records = orders(50)
    hooked(world, paginate="the_same")
    with pytest.raises(PagesWithoutEnd, match="has been read already"):
        world.run()


def test_a_hook_that_is_not_there_is_told(world: World) -> None:
    hooked(world, records="missing")
    with pytest.raises(HookMissing, match=r"Correct `hooks\.records` in the stream"):
        world.run()


def test_the_functions_of_the_manual_work(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.sources.test_docs import MANUAL

    module = ModuleType("written_down")
    exec(MANUAL.split("```python\n# streams/orders.py\n")[1].split("```")[0], module.__dict__)  # noqa: S102 - it is ours
    monkeypatch.setitem(sys.modules, "written_down", module)
    monkeypatch.setattr("inspect.getsource", lambda _: "")
    rule = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "amount"}, "severity": "critical"}
    (world.suites / "orders.json").write_text(json.dumps({"name": "orders", "expectations": [rule]}))
    world.api.records = orders(50)
    names = {"request": "written_down:signed", "records": "written_down:rows"}
    paginate = {"kind": "python", "next": "written_down:next_page"}
    source = {"hooks": names, "paginate": paginate, "cursor": None}
    world.stream = stream_of(source=source, partition_by=None, transform=None)
    world.api.pages = lambda asked: as_xml(world, asked)
    world.run()
    assert world.rows("select count(distinct id) from orders") == [(50,)]
    assert all(len(asked.headers["X-Digest"]) == 64 for asked in world.api.requests)


def as_xml(world: World, asked: Asked) -> Response:
    _, headers, text = piped(world, asked)
    attributes = "".join(f'<order id="{row["id"]}" amount="{row["amount"]}"/>' for row in rows(text))
    return 200, headers, f"<orders>{attributes}</orders>".encode()


def test_what_a_hook_writes_into_a_request_is_for_that_request_alone(world: World) -> None:
    """The window is kept in manifests, and its headers with it."""
    world.api.records = orders(50)
    hooked(world, request="writing")
    commits = world.run()
    assert [asked.headers["X-Signed"] for asked in world.api.requests] == ["/numbered", "ed?page=2", "ed?page=3"]
    assert ["headers" in commit.header.offsets.get("window", {}) for commit in commits] == [False] * 3


@pytest.mark.parametrize("hook", ["request", "records"])
def test_a_hook_that_wants_to_end_the_process_ends_the_run_with_a_sentence(world: World, hook: str) -> None:
    hooked(world, **{hook: "leaves"})
    with pytest.raises(HookFailed, match="raised SystemExit: 0"):
        world.run()


@pytest.mark.parametrize(
    ("hook", "said"), [("counting", "headers are no dict of texts"), ("breaking_lines", "cannot be sent")]
)
def test_a_request_that_cannot_be_sent_is_told(world: World, hook: str, said: str) -> None:
    hooked(world, request=hook)
    with pytest.raises(Permanent, match=said):
        world.run()
