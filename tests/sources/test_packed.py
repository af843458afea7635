"""Answers packed with gzip, and files that are packed with it, are read like plain ones."""

import csv
import gzip
import io
import json
from typing import Any

import pytest

from datastream.sources.answer import AnswerBroken
from datastream.sources.client import open_api
from datastream.sources.reach import resolve
from datastream.sources.request import Request
from tests.conftest import World, order, orders, stream_of
from tests.fake_api import FakeApi
from tests.sources.talk import ask, config_of, reply, talking

ROWS = orders(250)
ENCODED = {"Content-Encoding": "gzip"}
FILE = {"Content-Type": "application/gzip"}


def lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def cells(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def members(body: bytes) -> bytes:
    """Pack as a log that is appended to: piece by piece, and with zeros to fill its last block."""
    return b"".join(gzip.compress(body[at : at + 1000]) for at in range(0, len(body), 1000)) + bytes(100)


PACKED = {
    "an answer": ("json", ENCODED, gzip.compress(json.dumps(ROWS).encode())),
    "an answer, by gzip's old name": ("json", {"Content-Encoding": "X-GZip"}, gzip.compress(json.dumps(ROWS).encode())),
    "an answer that is not packed": ("json", {"Content-Encoding": "identity"}, json.dumps(ROWS).encode()),
    "a file": ("json", FILE, gzip.compress(json.dumps(ROWS).encode())),
    "a file of lines": ("jsonl", FILE, gzip.compress(lines(ROWS))),
    "a file of lines that says nothing of itself": ("jsonl", {}, gzip.compress(lines(ROWS))),
    "a file of cells": ("csv", FILE, gzip.compress(cells(ROWS))),
    "a file of members": ("jsonl", FILE, members(lines(ROWS))),
    "a file that says it was packed on its way": ("csv", FILE | ENCODED, gzip.compress(cells(ROWS))),
}


@pytest.mark.parametrize(("format_", "headers", "body"), PACKED.values(), ids=PACKED.keys())
def test_what_is_packed_is_read(world: World, format_: str, headers: dict[str, str], body: bytes) -> None:
    source = {"records": "", "format": format_, "paginate": {"kind": "single"}, "cursor": None}
    world.stream = stream_of(source=source, schema={"declared": {"id": "int64", "amount": "int64"}})
    world.api.fault = lambda _: (200, headers, body)
    world.run()
    assert world.rows("select count(*), sum(id) from orders") == [(250, 250 * 251 // 2)]


PAGE = gzip.compress(json.dumps({"data": [order(1)], "total": 1}).encode())
BROKEN = {
    "cut off": (PAGE[:-20], "ended before"),
    "cut off in its sum": (PAGE[:-3], "ended before"),
    "with a wrong sum": (PAGE[:-8] + bytes(8), "CRC check failed"),
    "with a broken middle": (PAGE[:20] + b"\xff\xff" + PAGE[22:], "cannot be unpacked: Error -3"),
    "with something behind it": (PAGE + b"more", "cannot be unpacked: Not a gzipped file"),
    "not packed at all": (b'{"data": []}', "cannot be unpacked: Not a gzipped file"),
    "packed twice": (gzip.compress(PAGE), "not JSON"),
}


@pytest.mark.parametrize(("body", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_what_cannot_be_unpacked_is_asked_for_again(world: World, body: bytes, said: str) -> None:
    world.api.fault = lambda _: (200, ENCODED, body)
    with pytest.raises(AnswerBroken, match=said):
        world.run()
    assert (len(world.api.asked), list(world.store.keys("_log/"))) == (3, [])
    world.api.fault = lambda _: (200, ENCODED, PAGE)
    world.run()
    assert world.rows("select count(*) from orders") == [(1,)]


@pytest.mark.parametrize(("headers", "sent"), [({}, "gzip"), ({"accept-encoding": "identity"}, "identity")])
def test_gzip_alone_is_asked_for_unless_the_block_says_else(headers: dict[str, str], sent: str) -> None:
    with talking(lambda peer, _: peer.sendall(reply(b"[]"))) as public:
        ask(config_of(public.url, headers=headers))
    [head] = public.heads
    assert [line.lower() for line in head.splitlines() if "ncoding" in line] == [f"accept-encoding: {sent}"]


@pytest.mark.parametrize(("headers", "body"), [({}, PAGE), (ENCODED, PAGE), ({}, b"[]")], ids=["file", "gzip", "plain"])
def test_a_connection_is_used_again_after_what_was_packed(api: FakeApi, headers: dict[str, str], body: bytes) -> None:
    """The name is looked up once for each connection."""
    looked: list[str] = []
    api.fault = lambda _: (200, headers, body)
    with open_api(config_of(api.url, "127.0.0.1"), resolve=lambda *of: looked.append(of[0]) or resolve(*of)) as client:
        for _ in range(3):
            client.ask(Request(client.base_url))
    assert (len(api.asked), looked) == (3, ["127.0.0.1"])
