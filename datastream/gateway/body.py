"""Takes the body of a post within bounds: of size, of time, and of what this process holds at once.

What is refused before its end is not read any further here; the server throws the rest away.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

import msgspec

from datastream.buffers import BufferFull
from datastream.gateway.asgi import Header, Message, Receive
from datastream.gateway.problem import Problem, unavailable

_MEBIBYTE = 1024 * 1024
_CLOSE: Header = (b"connection", b"close")
_IDENTITY: Header = (b"accept-encoding", b"identity")
_decode = msgspec.json.Decoder(dict[str, msgspec.Raw] | list[dict[str, msgspec.Raw]]).decode


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one post may be, and all of them together."""

    body_bytes: int = _MEBIBYTE
    body_within: timedelta = timedelta(seconds=10)
    objects: int = 1_000
    keys: int = 10_000
    """Of one object."""
    held_bytes: int = 64 * _MEBIBYTE
    """Of all bodies that are being read or wait to be written."""


class Disconnected(Exception):
    """The sender has gone, and nobody is there to be answered."""


class Intake:
    """Reads bodies, and counts what is held of them until each is released."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held_bytes = 0
        self._reading: set[asyncio.Timeout] = set()

    async def read(self, headers: Iterable[Header], receive: Receive) -> bytes:
        """Return the whole body, to be released. Raises Problem and Disconnected."""
        self._refuse_by(headers)
        within = self._limits.body_within.total_seconds()
        try:
            async with asyncio.timeout(within) as deadline:
                self._reading.add(deadline)
                try:
                    return await self._collect(receive)
                finally:
                    self._reading.discard(deadline)
        except TimeoutError:
            raise Problem(
                HTTPStatus.REQUEST_TIMEOUT, f"The body did not come within {within:g} s. Send it again.", _CLOSE
            ) from None

    def release(self, body: bytes) -> None:
        """Tell that a body is not needed any more."""
        self._held_bytes -= len(body)

    def hasten(self, within: timedelta) -> None:
        """Wait no longer than `within` for any body that is being read."""
        latest = asyncio.get_running_loop().time() + within.total_seconds()
        for deadline in self._reading:
            deadline.reschedule(min(latest, deadline.when() or latest))

    async def _collect(self, receive: Receive) -> bytes:
        chunks: list[bytes] = []
        size, more = 0, True
        try:
            while more:
                message = await _next(receive)
                chunk, more = message.get("body", b""), message.get("more_body", False)
                chunks.append(chunk)
                size += len(chunk)
                self._held_bytes += len(chunk)
                self._refuse_over(size)
        except BaseException:
            self._held_bytes -= size
            raise
        return b"".join(chunks)

    def _refuse_over(self, size: int) -> None:
        if size > self._limits.body_bytes:
            raise self._too_large(f"more than {self._limits.body_bytes:,}")
        if self._held_bytes > self._limits.held_bytes:
            raise unavailable(BufferFull(f"{self._limits.held_bytes:,} bytes of posts are held already."))

    def _refuse_by(self, headers: Iterable[Header]) -> None:
        for name, value in headers:
            if name == b"content-length" and int(value) > self._limits.body_bytes:
                raise self._too_large(f"{int(value):,}")
            if name == b"upgrade":
                # The parser takes what follows for another protocol, so the body is lost.
                raise Problem(HTTPStatus.BAD_REQUEST, "Only HTTP/1.1 is spoken here. Post without Upgrade.", _CLOSE)
            if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
                raise Problem(
                    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                    "The body is compressed, and it is not unpacked here. Send it as it is, without Content-Encoding.",
                    _IDENTITY,
                )

    def _too_large(self, size: str) -> Problem:
        return Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The body has {size} bytes, and a post may have {self._limits.body_bytes:,}. Send fewer objects a post.",
        )


async def _next(receive: Receive) -> Message:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Disconnected
    return message


def require_objects(body: bytes, limits: Limits) -> None:
    """Raise Problem unless a body is a JSON object, or a list of some."""
    try:
        body.decode()  # the parser passes over the text inside values
        found = _decode(body)
    except msgspec.ValidationError as error:
        raise _bad(f"The body must be a JSON object or a list of them: {error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _bad(f"The body is not JSON: {error}.") from None
    except RecursionError:
        raise _bad("The body is nested too deeply. Send it flatter.") from None
    objects = found if isinstance(found, list) else [found]
    if not 0 < len(objects) <= limits.objects:
        raise _bad(f"The list holds {len(objects):,} objects; send 1 to {limits.objects:,} a post.")
    keys = max(map(len, objects))
    if keys > limits.keys:
        raise _bad(f"An object has {keys:,} keys, and may have {limits.keys:,}. Send what varies as a list.")


def _bad(detail: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, detail)
