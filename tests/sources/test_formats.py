"""Records in JSON lines and CSV arrive like those in JSON; what breaks off is no page."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from datastream.lake.verify import verify
from datastream.sources.answer import AnswerBroken, AnswerUnexpected
from tests.conftest import World, orders, stream_of
from tests.fake_api import ok

FORMATS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "jsonl": lambda rows: b"\n".join(json.dumps(row).encode() for row in rows),
    "csv": lambda rows: in_csv(rows).encode("utf-8-sig"),
}


def in_csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=["id", "at", "amount", "note"])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@pytest.mark.parametrize("name", FORMATS)
def test_other_formats_are_read_line_by_line(world: World, name: str) -> None:
    rows = [{**order, "note": 'a "b", c'} for order in orders(100)]
    described = {"amount": "int64"} if name == "csv" else {}
    source = {"cursor": None, "format": name, "paginate": {"kind": "single"}, "records": ""}
    world.stream = stream_of(source=source, partition_by=None, schema={"declared": described})
    world.api.pages = lambda _: (200, {}, FORMATS[name](rows))
    world.run()
    assert world.rows("select count(*), sum(amount), min(note) from orders") == [
        (100, sum(r["amount"] for r in rows), 'a "b", c')
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_r43_a_format_that_breaks_off_is_no_page(world: World, name: str) -> None:
    source = {"cursor": None, "format": name, "paginate": {"kind": "single"}, "records": ""}
    world.stream = stream_of(source=source, partition_by=None)
    whole = FORMATS[name](orders(20)).rstrip()
    world.api.pages = lambda _: (200, {}, whole[: whole.rindex(b"2026") - 2])
    with pytest.raises(AnswerBroken, match="broke off: its last line is"):
        world.run()
    assert list(world.store.keys("_log/")) == []


def test_a_packed_answer_is_unpacked(world: World) -> None:
    world.api.records = orders(50)
    world.stream = stream_of(
        source={"cursor": None, "paginate": {"kind": "single"}, "records": "rows"}, partition_by=None
    )
    world.api.pages = lambda _: (200, {"Content-Encoding": "gzip"}, gzip.compress(ok({"rows": world.api.records})[2]))
    world.run()
    assert verify(world.store, "orders").loaded == 50


def test_a_cell_that_no_reader_takes_is_told(world: World) -> None:
    source = {"cursor": None, "format": "csv", "paginate": {"kind": "single"}, "records": ""}
    world.stream = stream_of(source=source, partition_by=None)
    world.api.pages = lambda _: (200, {}, b"id,at\n1," + b"x" * 200_000)
    with pytest.raises(AnswerUnexpected, match=r"CSV that cannot be read: field larger than .*source\.format"):
        world.run()
