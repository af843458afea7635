"""Standard Webhooks: a post is signed over its id, its time and its raw bytes, so that none of them can be changed.

Identity fails closed: whatever a header holds, a post is signed with one of the keys or SignatureWrong is raised. Only
`v1` counts (HMAC with SHA-256), compared in constant time; other versions are passed over, as the standard says.
"""

import hmac
import re
from binascii import b2a_base64
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from datastream.auth.errors import SignatureWrong
from datastream.clock import Clock

ID, TIMESTAMP, SIGNATURE = b"webhook-id", b"webhook-timestamp", b"webhook-signature"
_NAMES = frozenset((ID, TIMESTAMP, SIGNATURE))
_MOST_SIGNATURES = 16  # a rotation needs two or three
_SHOWN_BYTES = 40
# A dot would let the end of an id pass for a timestamp: `{id}.{timestamp}.{body}` is what is signed.
_an_id = re.compile(rb"[!-\-/-~]{1,256}").fullmatch
_whole_seconds = re.compile(rb"[0-9]{1,11}").fullmatch


def sign(key: bytes, delivery_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers that a sender sends with `body`."""
    sent, seconds = delivery_id.encode(), str(int(at.timestamp())).encode()
    signature = _signature(key, sent, seconds, body)
    headers = {ID: sent, TIMESTAMP: seconds, SIGNATURE: signature}
    return {name.decode(): value.decode() for name, value in headers.items()}


def verify(
    headers: Iterable[tuple[bytes, bytes]], body: bytes, keys: Sequence[bytes], tolerance: timedelta, clock: Clock
) -> str:
    """Return the id of a post that one of the keys has signed; header names are lower-case. Raises SignatureWrong."""
    found = _ours(headers)
    delivery_id, seconds = _id(found), _timestamp(found)
    signatures = _signatures(found)
    _refuse_stale(seconds, tolerance, clock)
    for key in keys:
        expected = _signature(key, delivery_id, seconds, body)
        if any(hmac.compare_digest(expected, signature) for signature in signatures):
            return delivery_id.decode()
    raise SignatureWrong(
        f"webhook-signature holds no signature of this post ({len(signatures)} of version v1 were tried). Sign "
        "'webhook-id.webhook-timestamp.body' with HMAC-SHA256 over the very bytes that are sent, with the key that the "
        "base64 after whsec_ stands for, and send it as 'v1,' and base64."
    )


def _signature(key: bytes, delivery_id: bytes, seconds: bytes, body: bytes) -> bytes:
    digest = hmac.new(key, b"%b.%b.%b" % (delivery_id, seconds, body), "sha256").digest()
    return b"v1," + b2a_base64(digest, newline=False)


def _ours(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _NAMES:
            if name in found:
                raise SignatureWrong(f"{name.decode()} stands there twice. Send it once.")
            found[name] = value
    return found


def _id(found: dict[bytes, bytes]) -> bytes:
    value = _present(found, ID, "an id of the sender's own, the same each time the post is repeated")
    if not _an_id(value):
        raise SignatureWrong(
            f"webhook-id is {_shown(value)}. It must be 1 to 256 characters of printable ASCII, without '.' and spaces."
        )
    return value


def _timestamp(found: dict[bytes, bytes]) -> bytes:
    value = _present(found, TIMESTAMP, "when the post is sent, in whole seconds since 1970")
    if not _whole_seconds(value):
        raise SignatureWrong(f"webhook-timestamp is {_shown(value)}. It must be whole seconds since 1970, in digits.")
    return value


def _signatures(found: dict[bytes, bytes]) -> list[bytes]:
    value = _present(found, SIGNATURE, "'v1,' and the signature in base64")
    every = value.split(b" ", _MOST_SIGNATURES)
    if len(every) > _MOST_SIGNATURES:
        raise SignatureWrong(f"webhook-signature holds more than {_MOST_SIGNATURES} signatures. Send fewer.")
    ours = [signature for signature in every if signature.startswith(b"v1,")]
    if not ours:
        raise SignatureWrong(
            f"webhook-signature is {_shown(value)}, which holds no signature of version v1. Send 'v1,' and base64."
        )
    return ours


def _refuse_stale(seconds: bytes, tolerance: timedelta, clock: Clock) -> None:
    behind = clock.now().timestamp() - int(seconds)
    if abs(behind) > tolerance.total_seconds():
        raise SignatureWrong(
            f"webhook-timestamp is {seconds.decode()}, {abs(behind):,.0f} s {'ago' if behind > 0 else 'ahead'}, and "
            f"{tolerance.total_seconds():,.0f} s are allowed. Sign each attempt anew with the time it is made, and set "
            "the sender's clock."
        )


def _present(found: dict[bytes, bytes], name: bytes, what: str) -> bytes:
    value = found.get(name)
    if not value:
        raise SignatureWrong(f"{name.decode()} is missing. Send {what}.")
    return value


def _shown(value: bytes) -> str:
    return repr(value[:_SHOWN_BYTES].decode("ascii", "backslashreplace"))
