"""Signatures of webhooks: the same as the reference library's, rotated keys, and nothing hostile but our own error."""

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from datastream import auth
from datastream.auth import SignatureWrong, sign, verify
from datastream.clock import ManualClock, SystemClock

KEY, OTHER = b"k" * 24, b"another key of enough bytes"
BODY = b'{"id": 1, "amount": 12.5}'
NOW = datetime(2026, 6, 1, tzinfo=UTC)
TOLERANCE = timedelta(minutes=5)

Headers = list[tuple[bytes, bytes]]


def signed(body: bytes = BODY, key: bytes = KEY, at: datetime = NOW, name: str = "msg_1") -> Headers:
    return [(header.encode(), value.encode()) for header, value in sign(key, name, at, body).items()]


def changed(header: bytes, value: bytes | None) -> Headers:
    """Good headers with one of them changed, or left out."""
    return [(name, value if name == header else old) for name, old in signed() if name != header or value is not None]


def check(headers: Headers, body: bytes = BODY, *keys: bytes, now: datetime = NOW) -> str:
    return verify(headers, body, keys or [KEY], TOLERANCE, ManualClock(now))


def test_what_is_signed_is_accepted_and_its_id_returned() -> None:
    assert check(signed()) == "msg_1"


def test_the_reference_library_accepts_what_we_sign() -> None:
    headers = sign(KEY, "msg_1", datetime.now(UTC), BODY)
    assert Webhook(KEY).verify(BODY, headers) == {"id": 1, "amount": 12.5}


def test_we_accept_what_the_reference_library_signs() -> None:
    """It signs the local time as if it were UTC when it is given one without a zone; here it is given UTC."""
    now = datetime.now(UTC)
    signature = Webhook(f"whsec_{base64.b64encode(KEY).decode()}").sign("msg_1", now, BODY.decode())
    stamp = str(int(now.timestamp())).encode()
    headers = [(b"webhook-id", b"msg_1"), (b"webhook-timestamp", stamp), (b"webhook-signature", signature.encode())]
    assert verify(headers, BODY, [KEY], TOLERANCE, SystemClock()) == "msg_1"


def flips(text: bytes) -> Iterator[bytes]:
    for at in range(len(text)):
        for bit in range(8):
            yield text[:at] + bytes([text[at] ^ 1 << bit]) + text[at + 1 :]


def test_no_flipped_bit_of_body_id_time_or_signature_is_accepted() -> None:
    """Of the name of the version too; an upper-case `V1` is none."""
    accepted = []
    for body in flips(BODY):
        accepted += refused(signed(), body)
    for header, value in signed():
        for flipped in flips(value):
            accepted += refused(changed(header, flipped))
    assert accepted == []


def refused(headers: Headers, body: bytes = BODY) -> list[object]:
    """Return what was accepted, which is nothing."""
    try:
        return [(headers, body, check(headers, body))]
    except SignatureWrong:
        return []


@pytest.mark.parametrize("seconds", [0, 1, 299, 300, -299, -300])
def test_within_the_tolerance_a_post_is_accepted(seconds: int) -> None:
    assert check(signed(), now=NOW + timedelta(seconds=seconds)) == "msg_1"


@pytest.mark.parametrize(("seconds", "said"), [(301, "301 s ago"), (-301, "301 s ahead")])
def test_outside_the_tolerance_it_is_refused_with_how_far_off_it_is(seconds: int, said: str) -> None:
    with pytest.raises(SignatureWrong, match=f"{said}, and 300 s are allowed"):
        check(signed(), now=NOW + timedelta(seconds=seconds))


def test_while_a_secret_is_rotated_both_are_valid_and_afterwards_one() -> None:
    assert check(signed(key=KEY), BODY, OTHER, KEY) == check(signed(key=OTHER), BODY, OTHER, KEY) == "msg_1"
    with pytest.raises(SignatureWrong):
        check(signed(key=KEY), BODY, OTHER)


def test_one_good_signature_among_several_is_enough() -> None:
    """A sender that rotates signs with both of its keys; versions we do not know are passed over."""
    both = b"v1a,AAAA " + signed(key=OTHER)[2][1] + b" v2,BBBB " + signed()[2][1]
    assert check(changed(b"webhook-signature", both)) == "msg_1"


@pytest.mark.parametrize(
    ("header", "value", "said"),
    [
        (b"webhook-id", None, "webhook-id is missing"),
        (b"webhook-id", b"", "webhook-id is missing"),
        (b"webhook-id", b"a.1", "without '.' and spaces"),
        (b"webhook-id", b"a b", "without '.' and spaces"),
        (b"webhook-id", b"\xc3\xa9", r"webhook-id is '\\\\xc3\\\\xa9'"),
        (b"webhook-id", b"x" * 257, "1 to 256 characters"),
        (b"webhook-timestamp", None, "webhook-timestamp is missing"),
        (b"webhook-timestamp", b"nan", "whole seconds since 1970"),
        (b"webhook-timestamp", b"1e400", "whole seconds since 1970"),
        (b"webhook-timestamp", b"1780272000.0", "whole seconds since 1970"),
        (b"webhook-timestamp", b"-1", "whole seconds since 1970"),
        (b"webhook-timestamp", b"+1780272000", "whole seconds since 1970"),
        (b"webhook-timestamp", b"1780272000000", "whole seconds since 1970"),
        (b"webhook-timestamp", "١٧٨٠٢٧٢٠٠٠".encode(), "whole seconds since 1970"),
        (b"webhook-timestamp", b"9" * 5000, "whole seconds since 1970"),
        (b"webhook-signature", None, "webhook-signature is missing"),
        (b"webhook-signature", b"v1", "no signature of version v1"),
        (b"webhook-signature", b"v1,", "1 of version v1 were tried"),
        (b"webhook-signature", b"v1,x,y", "1 of version v1 were tried"),
        (b"webhook-signature", b"v1,not base64", "1 of version v1 were tried"),
        (b"webhook-signature", b"v1,\xff\xfe", "1 of version v1 were tried"),
        (b"webhook-signature", b"v0,AAAA", "no signature of version v1"),
        (b"webhook-signature", b"sha1=AAAA", "no signature of version v1"),
        (b"webhook-signature", b" ".join([b"v1,AAAA"] * 20_000), "more than 16 signatures"),
    ],
)
def test_what_is_wrong_is_named_with_its_header(header: bytes, value: bytes | None, said: str) -> None:
    with pytest.raises(SignatureWrong, match=said):
        check(changed(header, value))


def test_a_header_that_stands_there_twice_is_refused() -> None:
    with pytest.raises(SignatureWrong, match="webhook-id stands there twice"):
        check([*signed(), (b"webhook-id", b"msg_2")])


def test_the_dot_cannot_be_moved_between_id_and_time() -> None:
    """`a` at `1.2` and `a.1` at `2` would be signed over the same text."""
    headers = signed(name="msg.1780272000")
    with pytest.raises(SignatureWrong):
        check(headers)


def test_without_keys_nothing_is_accepted() -> None:
    with pytest.raises(SignatureWrong):
        verify(signed(), BODY, [], TOLERANCE, ManualClock(NOW))


def test_a_refusal_holds_no_key_and_no_signature() -> None:
    good = signed()[2][1].decode().removeprefix("v1,")
    for headers, body in [(signed(key=OTHER), BODY), (signed(), b"{}"), (changed(b"webhook-id", b"other"), BODY)]:
        with pytest.raises(SignatureWrong) as wrong:
            check(headers, body)
        assert not re.search(f"{re.escape(good)}|kkkk|{base64.b64encode(KEY).decode()}", str(wrong.value))


texts = st.binary(max_size=60) | st.sampled_from([value for _, value in signed()])
headers_of_any_kind = st.lists(
    st.tuples(st.sampled_from([b"webhook-id", b"webhook-timestamp", b"webhook-signature", b"host"]), texts), max_size=5
)


@given(headers=headers_of_any_kind, body=st.binary(max_size=40) | st.just(BODY))
def test_whatever_is_sent_is_accepted_or_refused_by_our_own_error(headers: Headers, body: bytes) -> None:
    try:
        check(headers, body)
    except SignatureWrong:
        return
    assert body == BODY
    assert {name: value for name, value in headers if name != b"host"} == dict(signed())


@given(
    body=st.binary(max_size=2000),
    key=st.binary(min_size=24, max_size=64),
    name=st.from_regex(r"[!-\-/-~]{1,256}", fullmatch=True),
)
def test_whatever_is_signed_is_accepted(body: bytes, key: bytes, name: str) -> None:
    assert verify(signed(body, key, NOW, name), body, [key], TOLERANCE, ManualClock(NOW)) == name


def test_signatures_are_compared_in_constant_time_only() -> None:
    text = (Path(auth.__file__).parent / "standard_webhooks.py").read_text()
    assert "hmac.compare_digest(expected, signature)" in text
    assert not re.search(r"expected\s*(==|in|!=)|(==|!=)\s*expected", text)
