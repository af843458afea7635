"""What is posted: kept once and answered with 202, or refused with a sentence, a status and nothing kept."""

import gzip
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from datastream.buffers import Delivery
from datastream.buffers.redis import RedisBuffer
from tests.gateway.serving import KEY, Sender, kept

MEBIBYTE = 1024 * 1024


def test_a_post_is_kept_as_it_came_and_answered_with_its_id(gateway: Sender, buffer: RedisBuffer) -> None:
    body = b' {"id": 1,\t"name": "\xc3\xa9", "big": 123456789012345678901234567890} '
    answer = gateway.post(body, "msg_1")
    assert (answer.status_code, answer.json()) == (202, {"id": "msg_1", "status": "accepted"})
    assert kept(buffer) == [Delivery("msg_1", body)]


def test_a_repeat_is_answered_alike_and_kept_once(gateway: Sender, buffer: RedisBuffer) -> None:
    """Also with another signature, as each attempt is signed anew."""
    gateway.post(name="msg_1", at=datetime.now(UTC) - timedelta(seconds=60))
    answer = gateway.post(name="msg_1")
    assert (answer.status_code, answer.json()) == (202, {"id": "msg_1", "status": "repeat"})
    assert len(kept(buffer)) == 1


def test_one_id_from_many_threads_at_once_is_kept_once(gateway: Sender, buffer: RedisBuffer) -> None:
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda number: gateway.post(name=f"msg_{number % 10}"), range(200)))
    assert [answer.status_code for answer in answers] == [202] * 200
    assert [answer.json()["status"] for answer in answers].count("accepted") == 10
    assert sorted(delivery.id for delivery in kept(buffer)) == sorted(f"msg_{number}" for number in range(10))


def test_any_id_that_is_allowed_comes_back_as_it_was(gateway: Sender) -> None:
    name = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != ".")
    assert gateway.post(name=name).json()["id"] == name


def test_a_list_of_objects_is_one_delivery(gateway: Sender, buffer: RedisBuffer) -> None:
    body = json.dumps([{"id": number} for number in range(1000)]).encode()
    assert gateway.post(body).status_code == 202
    assert [delivery.body for delivery in kept(buffer)] == [body]


def of_size(size: int) -> bytes:
    return b'{"text":"%b"}' % (b"x" * (size - len(b'{"text":""}')))


def test_a_mebibyte_is_accepted_and_a_byte_more_is_not(gateway: Sender, buffer: RedisBuffer) -> None:
    assert gateway.post(of_size(MEBIBYTE)).status_code == 202
    answer = gateway.post(of_size(MEBIBYTE + 1))
    assert answer.status_code == 413
    assert "1,048,577 bytes, and a post may have 1,048,576" in answer.json()["detail"]
    assert len(kept(buffer)) == 1


def chunks(body: bytes) -> Iterator[bytes]:
    for at in range(0, len(body), 50_000):
        yield body[at : at + 50_000]


def test_a_body_in_chunks_has_the_same_bounds(gateway: Sender, buffer: RedisBuffer) -> None:
    body = of_size(MEBIBYTE)
    assert gateway.post(body, content=chunks(body)).status_code == 202
    assert gateway.post(body + b" ", content=chunks(body + b" ")).status_code == 413
    assert [delivery.body for delivery in kept(buffer)] == [body]


def test_after_a_refusal_the_connection_goes_on(gateway: Sender) -> None:
    """The rest of the body is thrown away, and the next request is not taken for a part of it."""
    assert gateway.post(of_size(2 * MEBIBYTE)).status_code == 413
    assert gateway.takes_posts()


DEEP = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is not JSON"),
        (b" ", "is not JSON"),
        (b"{", "is not JSON"),
        (b'{"a":1} x', "trailing characters"),
        (b'{"a":1}{"a":2}', "trailing characters"),
        (b'{"a":NaN}', "is not JSON"),
        (b'{"a":Infinity}', "is not JSON"),
        (b'{"a":01}', "is not JSON"),
        (b"{'a':1}", "is not JSON"),
        (b'{"a":"\xff"}', "is not JSON"),
        (b'{"a":{"\xff":1}}', "is not JSON"),
        (b'{"a":"\\ud800"}', "is not JSON"),
        (b'{"a":"\xed\xa0\x80"}', "is not JSON"),
        (b'\xef\xbb\xbf{"a":1}', "is not JSON"),
        ('{"a":1}'.encode("utf-16"), "is not JSON"),
        (b'{"a":"\x00"}', "is not JSON"),
        (b"a=1&b=2", "is not JSON"),
        (b"1", "a JSON object or a list of them"),
        (b'"text"', "a JSON object or a list of them"),
        (b"null", "a JSON object or a list of them"),
        (b"[1]", "a JSON object or a list of them"),
        (b"[{},null]", "a JSON object or a list of them"),
        (b"[[]]", "a JSON object or a list of them"),
        (b"[]", "holds 0 objects"),
        (b"[" + b",".join([b"{}"] * 1001) + b"]", "holds 1,001 objects; send 1 to 1,000"),
        (b"{" + b",".join(b'"k%d":1' % n for n in range(10_001)) + b"}", "10,001 keys"),
        (DEEP, "nested too deeply"),
        (DEEP.replace(b"[", b'{"a":').replace(b"]", b"}").replace(b":}", b":1}"), "nested too deeply"),
        (b"[" * 1_000_000, "a JSON object or a list of them"),
    ],
)
def test_what_is_no_object_is_refused(gateway: Sender, buffer: RedisBuffer, body: bytes, said: str) -> None:
    answer = gateway.post(body)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert said in answer.json()["detail"]
    assert kept(buffer) == []


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"a":1e400}',
        b'{"a":%b}' % (b"9" * 5000),
        b'{"a":1,"a":2}',
        b'[{"a":"\\ud83d\\ude00"}]',
        b'{"a":"\x7f"}',
    ],
)
def test_what_is_an_object_is_taken_whatever_it_holds(gateway: Sender, body: bytes) -> None:
    """Values are judged where they are validated, row by row."""
    assert gateway.post(body).status_code == 202


def test_a_forged_post_is_refused_before_its_json_is_looked_at(gateway: Sender, buffer: RedisBuffer) -> None:
    answer = gateway.post(DEEP, key=b"of somebody else, altogether")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Standard-Webhooks")
    assert "webhook-signature holds no signature of this post" in answer.json()["detail"]
    assert kept(buffer) == []


def test_what_was_signed_in_another_form_is_refused(gateway: Sender) -> None:
    """The bytes count: the same JSON written anew is another post."""
    assert gateway.post(b'{"a": 1}', content=b'{"a":1}').status_code == 401


def test_an_old_post_is_refused_with_its_age(gateway: Sender) -> None:
    answer = gateway.post(at=datetime.now(UTC) - timedelta(minutes=6))
    assert answer.status_code == 401
    assert "s ago, and 300 s are allowed" in answer.json()["detail"]


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_named(gateway: Sender, header: str) -> None:
    answer = gateway.post(headers={header: ""})
    assert (answer.status_code, answer.json()["detail"].partition(".")[0]) == (401, f"{header} is missing")


def test_a_compressed_body_is_refused(gateway: Sender, buffer: RedisBuffer) -> None:
    """Signed or not; a bomb is never unpacked."""
    answer = gateway.post(gzip.compress(b'{"id":1}'), headers={"content-encoding": "gzip"})
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "identity")
    assert gateway.post(headers={"content-encoding": "identity"}).status_code == 202
    assert len(kept(buffer)) == 1


@pytest.mark.parametrize(
    "name",
    [
        "nobody", "flights", "Departures", "departures/", "departures.", "departures%2e", "depart%75res", "%2e%2e",
        "%2e%2e%2fhealth", "..%2f..%2fetc", "departures%00", "departures%0d%0aX: 1", "{departures}", "departures:0",
        "d\u0435partures", "x" * 300, "departures;a=1", "CON", "_departures", "departures:0:seen", "departures//", "*",
    ],
)  # fmt: skip
def test_a_name_that_is_no_webhook_stream_is_not_found(gateway: Sender, buffer: RedisBuffer, name: str) -> None:
    """S22, at the gateway's door."""
    answer = gateway.post(stream=name)
    assert answer.status_code == 404
    assert "No webhook stream has this name" in answer.json()["detail"]
    assert kept(buffer) == []


def test_a_query_string_changes_nothing(gateway: Sender) -> None:
    assert gateway.post(stream="departures?stream=flights").status_code == 202


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_webhooks_answer_only_post(gateway: Sender, method: str) -> None:
    answer = gateway.client.request(
        method, f"{gateway.url}/webhooks/departures", headers={"x-http-method-override": "POST"}
    )
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_a_problem_says_what_and_under_which_id(gateway: Sender) -> None:
    said = gateway.post(b"{").json()
    assert set(said) == {"type", "title", "status", "detail", "request_id"}
    assert (said["type"], said["title"], said["status"]) == ("urn:datastream:problem:bad-request", "Bad Request", 400)
    assert len(said["request_id"]) == 16


def test_no_answer_shows_a_secret_or_the_server(gateway: Sender) -> None:
    answers = [gateway.post(), gateway.post(b"{"), gateway.post(key=b"x" * 24), gateway.get("/health/ready")]
    for answer in answers:
        assert KEY.decode() not in answer.text
        assert "server" not in answer.headers
        assert "Traceback" not in answer.text
