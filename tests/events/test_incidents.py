"""Whoever is killed when: of each incident RabbitMQ is told, always under the same ids, and `_quality` is whole."""

import signal
from collections import Counter
from pathlib import Path

import pytest

from datastream.events.rabbitmq import RabbitBus
from datastream.lake import layout
from datastream.lake.local import LocalStore
from datastream.lake.log import Log
from datastream.lake.verify import verify
from tests.events.rabbit import Rabbit
from tests.forks import forks
from tests.health import child
from tests.health.kept import HOUR, Kept

POINTS = (
    "decide.before", "decide.after", "write.before", "write.after", "commit.before", "commit.after", "settle.after",
    "announce.before", "announce.confirmed", "announce.after",
)  # fmt: skip


@pytest.mark.parametrize("point", POINTS)
def test_a_run_that_is_killed_is_completed_by_the_next(rabbit: Rabbit, tmp_path: Path, point: str) -> None:
    queue = rabbit.queue("orders.*")
    kept = Kept(LocalStore(tmp_path / "lake"))
    kept.load()
    kept.clock.advance(2 * HOUR)
    process = forks().Process(
        target=child.run, args=(str(tmp_path / "lake"), kept.clock.now(), point, rabbit.config)
    )  # fmt: skip
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    kept.bus = bus = RabbitBus(rabbit.config)
    kept.expect(fresh_within="PT1H")
    kept.check()
    assert kept.open == ["orders/freshness/1"]
    for _ in range(2):
        kept.load()
        kept.check()
    bus.close()
    assert kept.open == []
    commits = Log(kept.store, layout.QUALITY, "orders").sequences()
    assert len(commits) == (3 if point == "decide.before" else 4)
    opened = 1
    closed = commits[-1]
    assert set(rabbit_ids := Counter(rabbit.ids(queue))) == {
        f"_quality/orders/{opened}/1", f"_quality/orders/{closed}/1"
    }  # fmt: skip
    assert rabbit_ids.total() == (3 if point == "announce.confirmed" else 2)
    assert verify(kept.store, layout.QUALITY).problems == []


def test_queues_are_bound_to_incidents_of_all_streams(rabbit: Rabbit) -> None:
    queue = rabbit.queue("*.incident-opened")
    kept = Kept()
    kept.bus = bus = RabbitBus(rabbit.config)
    kept.expect(fresh_within="PT1H")
    kept.check()
    bus.close()
    [(properties, body)] = rabbit.take(queue)
    assert properties.message_id == body["id"] == "_quality/orders/1/1"
    assert body["type"] == "datastream.incident-opened"
    assert body["source"] == "/datastream/streams/orders"
    assert (body["subject"], body["data"]["check"]) == ("orders/freshness/1", "freshness")
