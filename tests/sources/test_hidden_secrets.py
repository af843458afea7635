"""What lets us in stands in no message, log, position or manifest, also when the API says it back."""

import json
import logging
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from datastream.auth import Credential
from datastream.connections import ApiConfig
from datastream.errors import DatastreamError
from datastream.sources.client import open_api
from datastream.sources.request import Request
from tests.conftest import World, orders, stream_of
from tests.fake_api import LOCAL, Fault, Response, ok

KEY = "k3y&s3cr3t"
LINKED = {"path": "/linked", "records": "items.rows", "paginate": {"kind": "next_link"}}


@pytest.fixture(params=["query", "header"])
def world(request: pytest.FixtureRequest, world: World) -> World:
    world.connection["auth"] = {"kind": "api_key", "name": "key", "place": request.param, "value": KEY}
    return world


def echo(status: int, **headers: str) -> Fault:
    """Answer with what was asked, and with keys where an excerpt of 120 or 200 bytes ends."""
    return lambda target: (status, {name: value.format(target) for name, value in headers.items()}, _said(target))


def _said(target: str) -> bytes:
    return f"{'-' * 115}{KEY}".ljust(195, "-").encode() + f"{KEY} {target}".encode()


FAULTS: dict[str, Fault] = {
    "refused": echo(403),
    "busy": echo(503),
    "moved": echo(301, Location="https://elsewhere{0}"),
    "no JSON": echo(200),
    "no records": lambda target: ok({"said": [target, KEY]}),
    "no list": lambda target: ok({"data": f"{target} {KEY}"}),
    "no number": lambda target: ok({"data": [], "total": target}),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_an_error_does_not_hold_the_key(world: World, fault: Fault, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.api.fault = fault
    with pytest.raises(DatastreamError) as told:
        world.run()
    _holds_no_key("\n".join([repr(told.value), *traceback.format_exception(told.value), caplog.text]))


def _holds_no_key(text: str) -> None:
    assert "s3cr3t" not in text
    assert "k3y" not in text


def linked(shown: Callable[[str], str]) -> Callable[[World], Fault]:
    """Make the API name next pages by the address that was asked, key and all."""

    def made(world: World) -> Fault:
        def answer(target: str) -> Response:
            parts = urlsplit(target)
            start = int(dict(pair.split("=") for pair in parts.query.split("&") if pair).get("start", "0"))
            rest = "&".join(each for each in parts.query.split("&") if not each.startswith("start="))
            following = f"/linked?{rest}&start={start + 100}"
            rows = world.api.records[start:][:100]
            return ok({"items": {"rows": rows}, "next": shown(following) if len(rows) == 100 else None})

        return answer

    return made


def test_a_next_link_that_holds_the_key_is_followed_and_kept_without_it(world: World) -> None:
    world.stream = stream_of(source=LINKED)
    world.api.records = orders(1150)
    world.api.fault = linked(lambda link: link)(world)
    commits = world.run()
    assert world.rows("select count(distinct id) from orders") == [(1150,)]
    assert len(commits) > 1, "positions were kept"
    for key in world.store.keys(""):
        assert b"k3y" not in world.store.read(key)
    if world.connection["auth"]["place"] == "query":
        assert all(target.count("key=") == 1 for target in world.api.asked)


@pytest.mark.parametrize(
    "shown",
    [lambda link: f"http://127.0.0.2:1{link}", lambda _: "http://[key", lambda _: "/linked?key=k3y%26s3cr3t&since=x"],
    ids=["elsewhere", "no address", "there and back"],
)
def test_a_link_that_is_refused_does_not_show_the_key(world: World, shown: Callable[[str], str]) -> None:
    world.stream = stream_of(source=LINKED)
    world.api.records = orders(1150)
    world.api.fault = linked(shown)(world)
    with pytest.raises(DatastreamError) as told:
        world.run()
    if world.connection["auth"]["place"] == "query":
        _holds_no_key("\n".join(traceback.format_exception(told.value)))


def test_a_redirect_that_holds_the_key_is_followed_with_one(world: World) -> None:
    world.api.fault = lambda target: (307, {"Location": f"/moved{target[9:]}"}, b"") if "numbered" in target else ok([])
    with open_api(ApiConfig(base_url=world.api.url, **world.connection)) as client:
        answer = client.ask(Request(f"{world.api.url}/numbered?page=1")).answer
    assert answer.url == f"{world.api.url}/moved?page=1"
    assert world.api.asked[-1].count("key=") == (world.connection["auth"]["place"] == "query")


def test_urllib3_logs_an_address_without_its_query(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with open_api(ApiConfig(base_url=world.api.url, **world.connection)) as client:
        client.ask(Request(f"{world.api.url}/numbered?page=1"))
    assert '"GET /numbered HTTP/1.1" 200' in caplog.text
    _holds_no_key(caplog.text)


def test_a_secret_is_known_in_other_clothes() -> None:
    said = r'"a/b&c" "a\/b&c" "a/b\u0026c" a%2Fb%26c'
    assert Credential(secrets=("a/b&c", "abc")).hide(f"{said} abc") == '"***" "***" "***" *** abc'


def test_header_values_of_the_block_are_hidden_too(world: World) -> None:
    world.api.fault = lambda _: (403, {}, json.dumps({"you sent": "k3y-of-h3ader"}).encode())
    config: Any = ApiConfig(base_url=world.api.url, private_networks=LOCAL, headers={"X": "k3y-of-h3ader"})
    with open_api(config) as client, pytest.raises(DatastreamError, match=r"'\{\"you sent\": \"\*\*\*\"\}'"):
        client.ask(Request(f"{world.api.url}/numbered"))
