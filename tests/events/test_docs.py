"""What docs/events.md shows is true."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from datastream.announce import events_of
from datastream.events.event import Event
from datastream.events.rabbitmq import RabbitBus
from datastream.lake import writer
from datastream.lake.store import MemoryStore
from tests.events.rabbit import Rabbit, event
from tests.lake.plans import plan_of

PAGE = (Path(__file__).resolve().parents[2] / "docs/events.md").read_text()


def shown(language: str) -> str:
    [block] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return block


def keys(value: object) -> object:
    return {key: keys(inner) for key, inner in value.items()} if isinstance(value, dict) else None


def test_the_event_that_is_shown_has_the_fields_of_a_real_one() -> None:
    store = MemoryStore()
    [real] = events_of(writer.write(store, plan_of(["a"])))
    page, told = json.loads(shown("json")), json.loads(real.encoded)
    page["data"]["rules"] = told["data"]["rules"]
    assert keys(page) == keys(told)
    assert page["data"]["files"][0].keys() == told["data"]["files"][0].keys()


def test_the_consumer_that_is_shown_counts_a_repeat_once(
    rabbit: Rabbit, bus: RabbitBus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATASTREAM_RABBITMQ_URL", rabbit.url)
    arguments = {"x-queue-type": "quorum"}
    rabbit.queue("orders.committed", "orders.total", **arguments)
    committed = [Event.about("orders", "committed", **_fields(number)) for number in (1, 2, 1)]
    bus.publish(committed)
    exec(compile(shown("python"), "docs/events.md", "exec"), {})  # noqa: S102 - it is our own page
    rabbit.channel.queue_delete("orders.total")
    with closing(sqlite3.connect("orders.db")) as db:
        assert db.execute("select sum(rows), count(*) from loads").fetchone() == (30, 2)


def _fields(number: int) -> dict[str, object]:
    like = event(number)
    return {"id": like.id, "subject": like.subject, "time": like.time, "data": {"accounts": {"loaded": 10 * number}}}
