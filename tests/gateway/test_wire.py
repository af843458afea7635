"""Hostile framing, paths and pace: no answer is ever 500, no check is passed by, and who is slow or endless is cut."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from datastream.buffers.redis import RedisBuffer
from datastream.gateway.body import Limits
from datastream.gateway.server import Patience
from deployments.stack.waiting import wait_until
from tests.gateway.serving import Sender, kept, serving
from tests.gateway.wire import answers, dial, head, heard, request, signatures, statuses

BODY = b'{"id":1}'
SOON = timedelta(seconds=5)


def ids(buffer: RedisBuffer) -> list[str]:
    return [delivery.id for delivery in kept(buffer)]


def test_two_posts_in_one_breath_are_two_deliveries(gateway: Sender, buffer: RedisBuffer) -> None:
    assert answers(gateway, request(BODY, "a") + request(BODY, "b")) == [202, 202]
    assert ids(buffer) == ["a", "b"]


SMUGGLED = request(b'{"id":666}', "smuggled")


@pytest.mark.parametrize(
    "lines",
    [
        ("content-length: 8", "transfer-encoding: chunked"),
        ("transfer-encoding: chunked", "content-length: 8"),
        ("content-length: 8", "content-length: 8"),
        ("content-length: 8", "content-length: 9"),
        ("content-length: +8",),
        ("content-length: -8",),
        ("content-length: 0x8",),
        ("content-length: 8 8",),
        ("content-length : 8",),
        ("content-length: 99999999999999999999999",),
        ("transfer-encoding: identity",),
        ("transfer-encoding: chunked, identity",),
        ("transfer-encoding: xchunked",),
        ("content-length: 8", "x: a\r\n b"),
        ("x\x00y: 1", "content-length: 8"),
        ("x y: 1", "content-length: 8"),
    ],
)
def test_framing_that_could_be_read_in_two_ways_is_refused(
    gateway: Sender, buffer: RedisBuffer, lines: tuple[str, ...]
) -> None:
    """What follows would be a post of its own to one reader and a body to another."""
    assert answers(gateway, head(*signatures(BODY, "a"), *lines) + BODY + b"\r\n" + SMUGGLED) == [400]
    assert ids(buffer) == []


@pytest.mark.parametrize("newline", [b"\n", b"\r"])
def test_lines_that_end_otherwise_are_refused(gateway: Sender, buffer: RedisBuffer, newline: bytes) -> None:
    assert answers(gateway, request(BODY, "a").replace(b"\r\n", newline)) == [400]
    assert ids(buffer) == []


def test_a_length_that_is_too_small_cuts_the_body_and_the_signature_fails(gateway: Sender, buffer: RedisBuffer) -> None:
    sent = head(*signatures(BODY, "a"), "content-length: 4") + BODY
    assert answers(gateway, sent)[0] in (400, 401)
    assert ids(buffer) == []


def test_a_length_that_is_too_large_keeps_nothing(gateway: Sender, buffer: RedisBuffer) -> None:
    assert answers(gateway, head(*signatures(BODY, "a"), "content-length: 20") + BODY) == []
    assert ids(buffer) == []


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/nothing", "host: evil/health/live?x="),
        ("/x/health/live", "host: x"),
        ("//health/live", "host: x"),
        ("/health/live/", "host: x"),
        ("/health//live", "host: x"),
        ("/health/./live", "host: x"),
        ("/health/x/../live", "host: x"),
        ("/health/%6cive", "host: x"),
        ("/health%2flive", "host: x"),
        ("/health/live;x", "host: x"),
        ("/HEALTH/LIVE", "host: x"),
        ("/health/live%00", "host: x"),
        ("/health", "host: x"),
        ("/metrics/", "host: x"),
        ("/webhooks", "host: x"),
        ("/", "host: x"),
    ],
)
def test_only_the_exact_path_counts(gateway: Sender, path: str, host: str) -> None:
    assert answers(gateway, head("connection: close", method="GET", path=path, host=host)) == [404]


def test_senders_that_hang_up_at_once_disturb_nobody(gateway: Sender, buffer: RedisBuffer) -> None:
    """Whether theirs is kept is not certain; what the others are told is."""
    for number in range(200):
        with dial(gateway) as connection:
            connection.sendall(request(BODY, f"gone-{number}"))
        if number % 10 == 0:
            answer = gateway.post(name=f"stays-{number}")
            assert answer.json() == {"id": f"stays-{number}", "status": "accepted"}
    found = ids(buffer)
    assert len(found) == len(set(found))
    assert [name for name in found if name.startswith("stays")] == [f"stays-{n}" for n in range(0, 200, 10)]


def test_an_absolute_address_means_its_path(gateway: Sender) -> None:
    assert answers(gateway, head("connection: close", method="GET", path="http://evil/health/live")) == [200]


@pytest.mark.parametrize("path", ["/webhooks/..", "/webhooks/../health/live", "/webhooks/departures/../departures"])
def test_dots_are_no_way_to_anywhere(gateway: Sender, path: str) -> None:
    assert answers(gateway, head("content-length: 0", "connection: close", path=path)) == [404]


@pytest.mark.parametrize("path", ["", "departures", "/\xff", "/a b", "http://", "/webhooks/\x7f"])
def test_a_path_that_is_none_is_refused(gateway: Sender, path: str) -> None:
    assert answers(gateway, head("content-length: 0", path=path)) == [400]


def test_an_upgrade_is_not_made(gateway: Sender, buffer: RedisBuffer) -> None:
    """Some clients ask for HTTP/2 so with every request; the parser loses the body then."""
    h2c = request(BODY, "a", "connection: upgrade, http2-settings", "upgrade: h2c", "http2-settings: AAMAAABk")
    assert answers(gateway, h2c) == [400]
    assert ids(buffer) == []
    websocket = head("connection: upgrade", "upgrade: websocket", path="/health/live", method="GET")
    assert answers(gateway, websocket) == [200]


def test_a_post_that_asks_first_is_told_at_once_that_it_is_too_large(gateway: Sender) -> None:
    with dial(gateway) as connection:
        connection.sendall(head("expect: 100-continue", "content-length: 200000000"))
        assert statuses(connection.recv(4096)) == [413]


@pytest.fixture
def strict(buffer: RedisBuffer, streams: Path) -> Iterator[Sender]:
    """A gateway of little patience."""
    limits = Limits(body_within=timedelta(seconds=0.5), held_bytes=300_000)
    patience = Patience(silence=timedelta(seconds=0.5), connections=20, leaving=timedelta())
    with serving(buffer, streams, limits=limits, patience=patience) as sender:
        yield sender


def test_a_body_that_trickles_is_told_and_cut(strict: Sender, buffer: RedisBuffer) -> None:
    with dial(strict) as connection:
        connection.sendall(head(*signatures(BODY, "a"), f"content-length: {len(BODY)}") + BODY[:4])
        text = heard(connection)
    assert statuses(text) == [408]
    assert b"connection: close" in text
    assert ids(buffer) == []


def test_who_says_nothing_is_cut_and_the_others_are_served(strict: Sender) -> None:
    """Also half a head, a head that trickles, and silence after an answer."""
    silent = [dial(strict) for _ in range(3)]
    silent[1].sendall(b"POST /webhooks/departures HTTP/1.1\r\nhost:")
    silent[2].sendall(head(method="GET", path="/health/live"))
    began = time.monotonic()
    for connection in silent:
        with connection:
            heard(connection)
    assert time.monotonic() - began < 4
    assert strict.takes_posts()


def test_headers_without_an_end_are_refused(strict: Sender) -> None:
    with dial(strict) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\n" + b"x: y\r\n" * 60_000)
        assert statuses(heard(connection)) in ([431], [])
    assert strict.takes_posts()


def test_a_body_without_an_end_is_refused_and_then_cut(strict: Sender) -> None:
    with dial(strict) as connection:
        connection.sendall(head(*signatures(BODY, "a"), "transfer-encoding: chunked"))
        assert wait_until(lambda: not can_send(connection, b"10000\r\n" + b"x" * 65_536 + b"\r\n"), SOON)
    assert strict.takes_posts()


def can_send(connection: socket.socket, data: bytes) -> bool:
    try:
        connection.sendall(data)
    except OSError:
        return False
    return True


def test_more_connections_than_there_may_be_are_refused_and_told_when_to_come(strict: Sender) -> None:
    with ExitStack() as opened:
        refused = [text for text in map(heard, [opened.enter_context(dial(strict)) for _ in range(30)]) if text]
    assert refused
    assert all(text.startswith(b"HTTP/1.1 503") and b"retry-after: 1" in text for text in refused)
    assert wait_until(strict.takes_posts, SOON)


def test_more_bodies_at_once_than_are_held_are_told_to_come_again(strict: Sender) -> None:
    with ExitStack() as opened:
        large = [opened.enter_context(dial(strict)) for _ in range(4)]
        for connection in large:
            connection.sendall(head(*signatures(BODY, "a"), "content-length: 200000") + b"x" * 100_000)
        found = [status for connection in large for status in statuses(heard(connection))]
    assert 503 in found
    assert set(found) <= {408, 503}
    assert wait_until(strict.takes_posts, SOON)


def test_who_does_not_read_is_cut(strict: Sender) -> None:
    with dial(strict) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asked = head(method="GET", path="/metrics") * 100
        assert wait_until(lambda: not can_send(connection, asked), timedelta(seconds=10))
    assert strict.takes_posts()
