"""A token is asked for once, used until it ends or is refused, and renewed by one thread for all."""

import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from datastream.auth import TokenRefused, TokenUnanswered
from datastream.clock import ManualClock
from datastream.connections import ApiConfig
from datastream.errors import DatastreamError
from datastream.sources.client import ApiClient, check, open_api
from datastream.sources.exchange import ApiUnreachable
from datastream.sources.judge import ApiBusy, ApiRefused
from datastream.sources.request import Request
from tests.auth.login import CLIENT, SECRET, Login
from tests.conftest import World, orders
from tests.fake_api import Response, ok


def ask(client: ApiClient) -> int:
    return client.ask(Request(f"{client.base_url}/numbered")).answer.status


def test_a_token_is_asked_for_once_and_sent_with_each_request(login: Login, clock: ManualClock) -> None:
    with open_api(login.config(login.client_credentials()), clock) as client:
        assert [ask(client) for _ in range(3)] == [200] * 3
    assert login.given == 1
    assert [sent["authorization"] for sent in login.sent] == ["Bearer acc3ss-1"] * 3


@pytest.mark.parametrize(
    ("fields", "form"),
    [
        ({}, {"login": f"{CLIENT}:{SECRET}"}),
        ({"client_auth": "client_secret_post"}, {"client_id": CLIENT, "client_secret": SECRET}),
        ({"scope": "read all"}, {"login": f"{CLIENT}:{SECRET}", "scope": "read all"}),
        ({"params": {"audience": "a b&c", "state": "x"}},
         {"login": f"{CLIENT}:{SECRET}", "audience": "a b&c", "state": "x"}),
    ],
)  # fmt: skip
def test_a_client_says_who_it_is_and_what_it_wants(login: Login, fields: Any, form: dict[str, str]) -> None:
    with open_api(login.config(login.client_credentials(**fields))) as client:
        ask(client)
    assert login.asked == [{"grant_type": "client_credentials", **form}]


def test_a_public_client_names_itself_beside_its_refresh_token(login: Login) -> None:
    with open_api(login.config(login.refresh_token(client_secret=None, scope="read"))) as client:
        ask(client)
    assert login.asked == [
        {"grant_type": "refresh_token", "refresh_token": "r3fresh-0", "client_id": CLIENT, "scope": "read"}
    ]


@pytest.mark.parametrize(("life", "used"), [(3600, 3540), (100, 90), ("3600", 3540)])
def test_a_token_is_renewed_somewhat_before_it_ends(login: Login, clock: ManualClock, life: Any, used: int) -> None:
    login.more = {"expires_in": life}
    with open_api(login.config(login.client_credentials()), clock) as client:
        ask(client)
        clock.advance(timedelta(seconds=used - 1))
        ask(client)
        assert login.given == 1
        clock.advance(timedelta(seconds=1))
        ask(client)
    assert login.given == 2
    assert len(login.sent) == 3, "no request went out with a token that was about to end"


@pytest.mark.parametrize(
    "more", [{}, *({"expires_in": life} for life in (None, 0, -1, "soon", [], {}, 10**400, float("nan"), ""))]
)
def test_a_token_that_does_not_say_when_it_ends_is_used_until_it_is_refused(
    login: Login, clock: ManualClock, more: dict[str, Any]
) -> None:
    login.more = more
    with open_api(login.config(login.client_credentials()), clock) as client:
        ask(client)
        clock.advance(timedelta(days=1000))
        ask(client)
        assert login.given == 1
        login.valid = set()
        assert ask(client) == 200
    assert login.given == 2


def test_a_second_401_is_a_refusal(login: Login) -> None:
    with open_api(login.config(login.client_credentials())) as client:
        ask(client)
        login.fault = lambda _: ok({"access_token": "acc3ss-useless"})
        login.valid = set()
        with pytest.raises(ApiRefused, match="answered 401") as told:
            ask(client)
    assert len(login.asked) == 2
    assert "acc3ss" not in str(told.value), "the API told what was sent"


def test_of_many_threads_whose_token_is_refused_one_renews_it(login: Login) -> None:
    with open_api(login.config(login.client_credentials())) as client, ThreadPoolExecutor(8) as threads:
        ask(client)
        login.valid = set()
        together = Barrier(8)

        def refused(_: int) -> int:
            together.wait()
            return ask(client)

        assert list(threads.map(refused, range(8))) == [200] * 8
    assert login.given == 2


def test_a_401_that_comes_late_does_not_renew_what_is_new(login: Login) -> None:
    with open_api(login.config(login.client_credentials())) as client:
        old = client._credentials.current()
        client._credentials.refused(old)
        assert client._credentials.refused(old)
        assert client._credentials.current().headers == {"Authorization": "Bearer acc3ss-2"}
    assert login.given == 2


def test_a_token_that_ends_in_the_middle_of_a_window_costs_nothing(world: World, login: Login) -> None:
    login.api.records = orders(1200)
    login.api.fault = lambda target: login.valid.clear() if "page=7" in target.split("&") else None
    world.api = login.api
    world.connection["auth"] = login.client_credentials()
    world.run()
    assert world.rows("select count(*), count(distinct id) from orders") == [(1200, 1200)]
    assert login.given == 2


def test_a_refresh_token_that_is_replaced_is_used_no_more(login: Login, clock: ManualClock) -> None:
    login.rotates = True
    with open_api(login.config(login.refresh_token()), clock) as client:
        for _ in range(3):
            assert ask(client) == 200
            clock.advance(timedelta(hours=1))
    assert [form["refresh_token"] for form in login.asked] == ["r3fresh-0", "r3fresh-1", "r3fresh-2"]


def test_a_refresh_token_that_is_not_replaced_stays(login: Login, clock: ManualClock) -> None:
    with open_api(login.config(login.refresh_token()), clock) as client:
        for _ in range(2):
            ask(client)
            clock.advance(timedelta(hours=1))
    assert [form["refresh_token"] for form in login.asked] == ["r3fresh-0"] * 2


def test_a_check_does_not_use_a_refresh_token_up(login: Login) -> None:
    assert check(login.config(login.refresh_token())).endswith("since trying it may use it up.")
    assert login.asked == []
    assert check(login.config(login.client_credentials())) == f"The API at {login.url} answers."


ERROR = b'{"error": "invalid_client", "error_description": "no such client, or %s"}' % SECRET.encode()
ENDLESS = (200, {"Content-Length": str(10**9)}, b" " * 300_000)
STALLED = (200, {"Content-Length": "100"}, b'{"access_token": ')
NOTHING = "answered 200 with no access_token that can be sent. Is auth.token_url"
CASES: dict[str, tuple[Response, type[DatastreamError], str]] = {
    "error": ((401, {}, ERROR), TokenRefused, "gave no token: invalid_client (no such client, or ***). Correct"),
    "error alone": ((400, {}, b'{"error": "invalid_scope"}'), TokenRefused, "invalid_scope. Correct client_id"),
    "error of another kind": ((403, {}, b'{"error": {"code": 403}}'), TokenRefused, "{'code': 403}. Correct"),
    "error with 200": ((200, {}, b'{"error": "bad"}'), TokenRefused, "gave no token: bad."),
    "not found": (
        (404, {}, b"<html>no</html>"),
        TokenRefused,
        "answered 404 with '<html>no</html>'. Is auth.token_url",
    ),
    "message": ((403, {}, b'{"message": "no"}'), TokenRefused, "answered 403 with"),
    "redirect": ((302, {"Location": "http://elsewhere/"}, b""), TokenRefused, "answered 302"),
    "HTML": ((200, {}, b"<html>"), TokenRefused, NOTHING),
    "list": ((200, {}, b"[1]"), TokenRefused, NOTHING),
    "empty": ((200, {}, b""), TokenRefused, NOTHING),
    "too deep": ((200, {}, b"[" * 100_000), TokenRefused, NOTHING),
    "nothing": ((200, {}, b"{}"), TokenRefused, NOTHING),
    "no text": ((200, {}, b'{"access_token": 5}'), TokenRefused, NOTHING),
    "two lines": ((200, {}, rb'{"access_token": "a\r\nHost: x"}'), TokenRefused, NOTHING),
    "500": ((500, {}, SECRET.encode()), ApiBusy, "answered 500: '***'"),
    "501": ((501, {}, b""), TokenUnanswered, "answered 501. It is tried again"),
    "429": ((429, {"Retry-After": "9"}, ERROR), ApiBusy, "asks to wait 9 s"),
    "without end": (ENDLESS, TokenUnanswered, "had no end within 262,144 bytes"),
    "stalled": (STALLED, ApiUnreachable, "imed out"),
}


@pytest.mark.parametrize("made", [Login.client_credentials, Login.refresh_token], ids=["secret", "refresh"])
@pytest.mark.parametrize(("response", "error", "said"), CASES.values(), ids=CASES.keys())
def test_what_is_no_token_is_told_in_a_sentence_without_secrets(
    login: Login, made: Callable[[Login], Any], response: Response, error: type[DatastreamError], said: str
) -> None:
    login.fault = lambda _: response
    config = login.config(made(login), timeout=timedelta(milliseconds=300))
    with open_api(config) as client, pytest.raises(error) as told:
        ask(client)
    assert said in str(told.value)
    assert f"{login.url}/token" in str(told.value)
    shown = "\n".join([repr(told.value), *traceback.format_exception(told.value)])
    assert SECRET not in shown
    assert "r3fresh" not in shown


def test_a_refresh_token_that_was_replaced_says_what_to_do(login: Login) -> None:
    login.refresh = "another"
    with open_api(login.config(login.refresh_token())) as client, pytest.raises(TokenRefused, match="log in anew"):
        ask(client)


def test_a_token_server_that_is_away_is_told(login: Login) -> None:
    config = login.config(login.client_credentials(token_url="http://127.0.0.1:9/token"))  # noqa: S106 - an address
    with open_api(config) as client, pytest.raises(ApiUnreachable, match=r"POST http://127\.0\.0\.1:9/token gave no"):
        ask(client)


def test_a_token_server_that_fails_in_passing_is_asked_again(world: World, login: Login) -> None:
    faults: list[Response] = [(503, {}, b""), (500, {}, b"")]
    login.fault = lambda _: faults.pop() if faults else None
    login.api.records = orders(10)
    world.api = login.api
    world.connection["auth"] = login.client_credentials()
    world.run()
    assert world.rows("select count(*) from orders") == [(10,)]


def test_credentials_show_nothing_of_themselves(login: Login) -> None:
    auth = login.client_credentials()
    with open_api(login.config(auth)) as client:
        ask(client)
        shown = f"{auth!r} {client._credentials.current()!r} {client._credentials._token!r} {vars(client)!r}"
    assert SECRET not in shown
    assert "acc3ss" not in shown
    assert isinstance(ApiConfig(base_url=login.url, auth=auth.model_dump()).auth, type(auth))
