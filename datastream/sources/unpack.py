"""Reads the body of an answer, unpacked from gzip, and never more of it than is wanted.

It is unpacked as it comes and as far as it is wanted, so that a body that unpacks to a thousand times its size costs
no more memory than one that does not. urllib3 could do that too, but takes a body that was cut off for a whole one.
"""

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import Protocol, cast

import urllib3

from datastream.sources.answer import AnswerBroken, AnswerUnexpected
from datastream.sources.wire import AnswerEndless

_CHUNK_BYTES = 256 * 1024
_MAGIC = b"\x1f\x8b"  # RFC 1952; neither JSON nor CSV in UTF-8 can begin so
_PACKED = frozenset({"gzip", "x-gzip"})
_PLAIN = frozenset({"", "identity"})


class _Source(Protocol):
    def read(self, size: int, /) -> bytes:
        """Return so many bytes, fewer at the end."""


class _Rest:
    """A source from which something has been read already, as if it had not."""

    def __init__(self, head: bytes, source: _Source) -> None:
        self._head, self._source = io.BytesIO(head), source

    def read(self, size: int, /) -> bytes:
        return self._head.read(size) or self._source.read(size)


def read_body(url: str, response: urllib3.BaseHTTPResponse, most_bytes: int) -> Iterator[bytes]:
    """Yield a body, piece by piece. Raises AnswerUnexpected, AnswerBroken and AnswerEndless, and what urllib3 does.

    It is unpacked once, whether it was packed on its way or is itself a packed file.
    """
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _PACKED | _PLAIN:
        raise AnswerUnexpected(
            f"{url} answered packed as {encoding!r}, but gzip, once, was all that was asked for. Ask the API's owner, "
            "or try the header `Accept-Encoding: identity` in the API block."
        )
    head = response.read(len(_MAGIC))
    source: _Source = _Rest(head, response)
    if head == _MAGIC or (encoding in _PACKED and head):
        source = cast("_Source", gzip.GzipFile(fileobj=source, mode="rb"))  # type: ignore[call-overload]
    try:
        yield from _read(source, most_bytes)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise AnswerBroken(
            f"{url} answered with gzip that cannot be unpacked: {error}. If it stays so, ask the API's owner; the "
            "cursor has not moved."
        ) from error


def _read(source: _Source, most_bytes: int) -> Iterator[bytes]:
    left = most_bytes + 1
    while left and (chunk := source.read(min(_CHUNK_BYTES, left))):
        yield chunk
        left -= len(chunk)
    if not left:
        raise AnswerEndless(f"max_answer_bytes, {most_bytes:,}")
