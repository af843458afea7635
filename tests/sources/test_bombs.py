"""S17: an answer that unpacks without end, or never ends, is refused at its bound, and costs no more memory than that.

Each is asked in a process of its own, which tells how it ended and how much memory it ever held at once.
"""

import gzip
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator

import msgspec
import pytest

from datastream.connections import ApiConfig
from datastream.errors import DatastreamError
from datastream.sources.answer import AnswerUnexpected
from datastream.sources.exchange import ApiAnswerTooLarge, ApiUnreachable
from datastream.sources.judge import ApiBusy
from tests.conftest import World, orders
from tests.sources.talk import Talk, ask, config_of, reply, talking

CAP = ApiConfig.model_fields["max_answer_bytes"].default
MARGIN = 64 * 2**20
ZEROS = zlib.compressobj(9, zlib.DEFLATED, 31)
ONE_MEMBER = ZEROS.compress(bytes(2**20)) + ZEROS.flush(zlib.Z_FULL_FLUSH)
ONE_MEMBER += (ZEROS.compress(bytes(2**20)) + ZEROS.flush(zlib.Z_FULL_FLUSH)) * 1023
MEMBER = gzip.compress(bytes(32 * 2**20))
GIBIBYTE = MEMBER * 32
"""A thousand times its size, of many members; each is a file of its own (RFC 1952, 2.2)."""
EMPTY = gzip.compress(b"")
FULL, LATE = f"its max_answer_bytes, {CAP:,}", "its timeout, 1 s"
Say = Callable[[socket.socket], None]
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def packed(body: bytes, encoding: str, status: str = "200 OK") -> Say:
    return lambda peer: peer.sendall(reply(body, f"Content-Encoding: {encoding}", status=status))


def for_ever(head: bytes, piece: bytes, pace: float = 0) -> Say:
    def say(peer: socket.socket) -> None:
        peer.sendall(head)
        while True:
            peer.sendall(piece)
            time.sleep(pace)

    return say


BOMBS: dict[str, tuple[Say, type[DatastreamError], str]] = {
    "gzip": (packed(ONE_MEMBER, "gzip"), ApiAnswerTooLarge, FULL),
    "gzip of many members": (packed(GIBIBYTE, "gzip"), ApiAnswerTooLarge, FULL),
    "gzip of empty members": (
        for_ever(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", EMPTY * 1000), ApiAnswerTooLarge, LATE,
    ),
    "gzip with an endless name": (
        for_ever(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08" + b"a" * 6, b"a" * 2**16),
        ApiAnswerTooLarge, LATE,
    ),
    "a packed file": (lambda peer: peer.sendall(reply(GIBIBYTE)), ApiAnswerTooLarge, FULL),
    "gzip three times": (packed(gzip.compress(gzip.compress(GIBIBYTE)), "gzip, gzip, gzip"), AnswerUnexpected, "once"),
    "gzip in two headers": (packed(GIBIBYTE, "gzip\r\nContent-Encoding: gzip"), AnswerUnexpected, "'gzip, gzip'"),
    **{each: (packed(GIBIBYTE, each), AnswerUnexpected, repr(each)) for each in ("br", "zstd", "deflate", "compress")},
    "plain": (for_ever(b"HTTP/1.1 200 OK\r\n\r\n", bytes(2**20)), ApiAnswerTooLarge, FULL),
    "one chunk": (for_ever(CHUNKED + b"fffffffffffffff\r\n", bytes(2**20)), ApiAnswerTooLarge, FULL),
    "an endless size of a chunk": (for_ever(CHUNKED, b"0" * 2**16), ApiUnreachable, "gave no answer"),
    "trailers": (for_ever(CHUNKED + b"0\r\n", b"a: b\r\n" * 1000), ApiAnswerTooLarge, LATE),
    "an endless trailer": (for_ever(CHUNKED + b"0\r\n", b"a" * 2**16), ApiUnreachable, "gave no answer"),
    "headers": (for_ever(b"HTTP/1.1 200 OK\r\n", b"a: %b\r\n" % (b"b" * 65_000)), ApiUnreachable, "100 headers"),
    "an endless header": (for_ever(b"HTTP/1.1 200 OK\r\n", b"a" * 2**16), ApiUnreachable, "gave no answer"),
    "an endless status": (for_ever(b"HTTP/1.1 200 ", b"a" * 2**16), ApiUnreachable, "gave no answer"),
    "a trickle": (for_ever(b"HTTP/1.1 200 OK\r\n\r\n", b" ", 0.01), ApiAnswerTooLarge, LATE),
    "a trickle of headers": (for_ever(b"HTTP/1.1 200 OK\r\n", b"a", 0.01), ApiAnswerTooLarge, LATE),
    "informational answers": (for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000), ApiAnswerTooLarge, LATE),
}  # fmt: skip


@pytest.fixture(scope="module")
def bombs() -> Iterator[Talk]:
    def say(peer: socket.socket, head: str) -> None:
        BOMBS[list(BOMBS)[int(head.split()[1].removeprefix("/"))]][0](peer)

    with talking(say) as talk:
        yield talk


class Told(msgspec.Struct):
    """How a question ended, and how many bytes of memory were held at most, beyond those before it."""

    error: str
    said: str
    grown: int


ASKING = """
import gc, json, sys
from datastream.sources.client import open_api
from datastream.sources.request import Request
from tests.sources.talk import config_of

def memory(name):
    [line] = [line for line in open("/proc/self/status") if line.startswith(name)]
    return int(line.split()[1]) * 1024

with open_api(config_of(sys.argv[1], timeout=1)) as client:
    before = memory("VmRSS")
    try:
        client.ask(Request(f"{client.base_url}/{sys.argv[2]}"))
        error = None
    except Exception as raised:
        error = raised
print(json.dumps(dict(error=type(error).__name__, said=str(error), grown=memory("VmHWM") - before)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_and_its_memory_is_bounded(bombs: Talk, name: str) -> None:
    _, error, said = BOMBS[name]
    command = [sys.executable, "-c", ASKING, bombs.url, str(list(BOMBS).index(name))]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    told = msgspec.json.decode(done.stdout, type=Told)
    assert (told.error, said in told.said) == (error.__name__, True), told
    assert told.grown <= CAP + MARGIN


BUSY: dict[str, Say] = {
    "a bomb": packed(GIBIBYTE, "gzip", "503 Busy"),
    "another encoding": packed(b"busy", "br", "503 Busy"),
    "no gzip at all": packed(b"busy", "gzip", "503 Busy"),
    "without end": for_ever(b"HTTP/1.1 503 Busy\r\n\r\n", bytes(2**20)),
    "trailers without end": for_ever(CHUNKED.replace(b"200 OK", b"503 Busy") + b"0\r\n", b"a: b\r\n" * 1000),
}


@pytest.mark.parametrize("say", BUSY.values(), ids=BUSY.keys())
def test_what_is_wrong_with_the_body_of_an_error_does_not_hide_the_error(say: Say) -> None:
    with talking(lambda peer, _: say(peer)) as talk, pytest.raises(ApiBusy, match="answered 503"):
        ask(config_of(talk.url))


def test_a_run_that_meets_a_bomb_fails_and_moves_no_cursor(world: World) -> None:
    """And the next run, when the API is well again, loads everything."""
    world.connection["max_answer_bytes"] = 2**20
    world.api.records = orders(1200)
    bomb = (200, {"Content-Encoding": "gzip"}, MEMBER)
    world.api.fault = lambda target: bomb if "page=8" in target.split("&") else None
    with pytest.raises(ApiAnswerTooLarge, match="max_answer_bytes, 1,048,576"):
        world.run()
    assert world.rows("select count(*) from orders") == [(500,)]
    world.api.fault = None
    world.run()
    assert world.rows("select count(*), count(distinct id) from orders") == [(1200, 1200)]
