"""One request and its answer, bounded in bytes and in time. What the answer means is not known here."""

import logging
from contextlib import closing, suppress
from datetime import timedelta
from typing import NamedTuple

import urllib3

from datastream.auth import Credential
from datastream.errors import Permanent, Transient
from datastream.sources.answer import Answer, AnswerBroken, AnswerUnexpected
from datastream.sources.request import Request
from datastream.sources.unpack import read_body
from datastream.sources.wire import AnswerEndless, CheckedPool

PAGES = frozenset({200, 201, 203, 206})
"""What hands over what was asked for (RFC 9110, 15.3); some mark a part of a list with 206."""
_MOST_ERROR_BYTES = 2**20


class ApiUnreachable(Transient):
    """No answer came, or it broke off."""


class ApiAnswerTooLarge(Permanent):
    """An answer did not end within the allowed size or time."""


class RequestUnsendable(Permanent):
    """A request holds what HTTP has no room for, such as a line's end in a header."""


class Limits(NamedTuple):
    """How long and how large an answer may be."""

    timeout: timedelta
    most_bytes: int


class _WithoutQuery(logging.Filter):
    """Leaves out what stands behind the `?` of an address: urllib3 logs each at DEBUG, an API key in it and all."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(arg.partition("?")[0] if isinstance(arg, str) else arg for arg in record.args)
        return True


logging.getLogger("urllib3.connectionpool").addFilter(_WithoutQuery())


def send(pool: CheckedPool, request: Request, sent: Credential, limits: Limits) -> Answer:
    """Return what was answered, whatever its status.

    Raises ApiUnreachable, ApiAnswerTooLarge, AddressRefused and RequestUnsendable.
    """
    try:
        response = pool.request(
            request.method, sent.into(request.url), body=request.body, headers=sent.headers, redirect=False,
            retries=False, preload_content=False, decode_content=False, timeout=limits.timeout.total_seconds(),
        )  # fmt: skip
        with closing(response):  # what was not read to its end must not be reused for another request
            body = _read(request.url, response, limits.most_bytes)
        return Answer(request.url, body, response.headers, response.status, sent)
    except urllib3.exceptions.HTTPError as error:
        tls_too = ", ca and client_certificate" if request.url.startswith("https") else ""
        raise ApiUnreachable(
            f"{request} gave no answer: {sent.hide(_reason(error))}. Is the API up, and is its address{tls_too} in "
            "its block right?"
        ) from error
    except ValueError as error:  # of http.client, before anything is sent; urllib3's own are caught above
        raise RequestUnsendable(
            f"{request} cannot be sent: {sent.hide(str(error))}. Correct method and headers in the stream or its API "
            "block, or the hook that made them."
        ) from error
    except AnswerEndless as error:
        raise ApiAnswerTooLarge(
            f"{request} was still answering at its {error}. Ask for smaller pages, or raise that in the API block."
        ) from error


def _read(url: str, response: urllib3.BaseHTTPResponse, most_bytes: int) -> bytes:
    """Return what was answered. An error is told whatever is wrong with its body, of which a piece is enough."""
    if response.status in PAGES:
        return b"".join(read_body(url, response, most_bytes))
    piece = bytearray()
    with suppress(AnswerBroken, AnswerUnexpected, AnswerEndless):
        for chunk in read_body(url, response, _MOST_ERROR_BYTES):
            piece += chunk
    return bytes(piece)


def _reason(error: BaseException) -> str:
    return str(error.args[-1] if error.args else error).rpartition(": ")[2] or type(error).__name__
