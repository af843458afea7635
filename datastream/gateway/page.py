"""Serves the quality page as the lake holds it, read at most every few seconds, in a thread beside the posts.

Nobody can log in yet. So it is shown to this machine only: to who asks it by a name of its own, directly. A page of
another site whose name was made to point here is told by its Host; what a proxy hands on by the headers that it adds,
or by HTTP/1.0, which nginx speaks to what is behind it unless told otherwise, and no browser does.
"""

import gzip
import hashlib
import ipaddress
import logging
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus

import msgspec

from datastream.clock import Clock, SystemClock
from datastream.errors import DatastreamError
from datastream.gateway.asgi import Header, Scope, Send, answer
from datastream.gateway.aside import Shared, aside
from datastream.gateway.problem import Problem

logger = logging.getLogger(__name__)

_KEPT = timedelta(seconds=3)
_PATIENCE = timedelta(seconds=10)
_COME_BACK: Header = (b"retry-after", b"5")
_BY_A_PROXY = (b"forwarded", b"x-forwarded-", b"x-real-ip", b"x-client-ip", b"cf-", b"true-client-ip", b"via")
"""What names of headers begin with."""
_HEADERS: tuple[Header, ...] = (
    (b"content-type", b"text/html; charset=utf-8"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class _Read(msgspec.Struct, frozen=True):
    """The page, as it was read; None before there is one."""

    body: bytes | None
    packed: bytes = b""
    tag: bytes = b""


class NoPage:
    """Stands where no page is served, and says why."""

    def __init__(self, why: str) -> None:
        self._why = why

    async def answer(self, _scope: Scope, _send: Send) -> None:
        """Raise Problem."""
        raise Problem(HTTPStatus.NOT_FOUND, self._why)


class Page:
    """The page. `read` returns it, None before there is one, or raises an error of ours; it may block."""

    def __init__(
        self, read: Callable[[], bytes | None], *, for_all: bool = False, clock: Clock | None = None,
        patience: timedelta = _PATIENCE,
    ) -> None:  # fmt: skip
        self._read, self._for_all, self._patience = read, for_all, patience
        self._shared = Shared(self._find, clock or SystemClock(), _KEPT)

    async def answer(self, scope: Scope, send: Send) -> None:
        """Send the page, or that it has not changed. Raises Problem."""
        headers = dict(scope["headers"])
        if not self._for_all:
            _refuse_strangers(scope, headers)
        found = await self._found()
        if found.body is None:
            raise Problem(
                HTTPStatus.NOT_FOUND,
                "There is no quality page yet. It is made by quality-checks after each run, and by: datastream quality "
                "report",
            )
        own = (*_HEADERS, (b"etag", found.tag), (b"cache-control", b"private, no-cache"), (b"vary", b"accept-encoding"))
        if {found.tag, b"*"} & {*map(bytes.strip, headers.get(b"if-none-match", b"").split(b","))}:
            await send({"type": "http.response.start", "status": int(HTTPStatus.NOT_MODIFIED), "headers": [*own]})
            await send({"type": "http.response.body"})
        elif _takes_gzip(headers.get(b"accept-encoding", b"")):
            await answer(send, HTTPStatus.OK, found.packed, *own, (b"content-encoding", b"gzip"))
        else:
            await answer(send, HTTPStatus.OK, found.body, *own)

    async def _found(self) -> _Read:
        try:
            found = await self._shared.within(self._patience)
        except (DatastreamError, OSError) as error:
            logger.warning("The quality page cannot be read: %s", error)
            found = None
        if found is None:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "The lake cannot be read now, and the quality page lies there. Ask again in 5 s; what is wrong stands "
                "in the gateway's log.",
                _COME_BACK,
            )
        return found

    async def _find(self) -> _Read:
        return await aside(self._found_out)

    def _found_out(self) -> _Read:
        body = self._read()
        if body is None:
            return _Read(None)
        # Weak, because the packed and the plain page have one tag.
        return _Read(body, gzip.compress(body, 6, mtime=0), b'W/"%b"' % hashlib.sha256(body).hexdigest()[:32].encode())


def _refuse_strangers(scope: Scope, headers: dict[bytes, bytes]) -> None:
    by_a_proxy = scope["http_version"] == "1.0" or any(name.startswith(_BY_A_PROXY) for name in headers)
    if is_own(headers.get(b"host", b"").decode("latin-1")) and not by_a_proxy:
        return
    raise Problem(
        HTTPStatus.NOT_FOUND,
        "The quality page is shown to the gateway's own machine only, as nobody can log in yet. Ask there for "
        "http://127.0.0.1 and its port, or start the gateway with --quality-for-all.",
    )


def is_own(host: str) -> bool:
    """Tell whether a Host is a name that only this machine has for itself."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _takes_gzip(accepted: bytes) -> bool:
    """Tell whether gzip is among what the asker takes; with a weight of 0 it is not (RFC 9110, 12.5.3)."""
    for each in accepted.lower().split(b","):
        coding, _, weight = each.partition(b";")
        if coding.strip() in (b"gzip", b"*"):
            return weight.replace(b" ", b"") not in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000")
    return False
