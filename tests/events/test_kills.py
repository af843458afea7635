"""Whoever is killed when, every commit is announced, and always under the same ids."""

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from datastream.announce import Outbox, announce
from datastream.events.contract import BrokerAway
from datastream.events.rabbitmq import RabbitBus
from datastream.lake.local import LocalStore
from datastream.lake.log import Log
from tests.events import child
from tests.events.commits import commit, ids_of
from tests.events.rabbit import Rabbit, config_of
from tests.events.server import Server, a_server
from tests.forks import forks

KILLS = 5
POINTS = ("announce.before", "announce.confirmed", "announce.after")


def kill(folder: Path, url: str, point: str) -> bool:
    """Let a worker make a few commits; return whether it was killed at this point."""
    processes = forks()
    first = (Log(LocalStore(folder), "orders").sequences() or [0])[-1] + 1
    process = processes.Process(target=child.run, args=(url, str(folder), f"{point}:0.5", first, 3))
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL), f"exit code {process.exitcode}"
    return process.exitcode != 0


def test_a_worker_that_is_killed_while_it_announces_leaves_nothing_out(rabbit: Rabbit, tmp_path: Path) -> None:
    queue, kills, store = rabbit.queue("orders.*"), Counter[str](), LocalStore(tmp_path)
    while min(kills[point] for point in POINTS) < KILLS:
        point = min(POINTS, key=kills.__getitem__)
        kills[point] += kill(tmp_path, rabbit.url, point)
    bus = RabbitBus(rabbit.config)
    announce(Outbox(store, "orders"), bus)
    bus.close()
    told = Counter(rabbit.ids(queue))
    assert set(told) == set(ids_of(*Log(store, "orders").sequences()))
    assert told.total() > len(told), "whoever was killed after the broker confirmed is repeated"
    assert Outbox(store, "orders").waiting() == 0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with a_server(tmp_path / "server") as server:
        yield server


def test_a_broker_that_is_killed_between_commits_misses_none(server: Server, tmp_path: Path) -> None:
    server.start()
    store, bus, before = LocalStore(tmp_path / "lake"), RabbitBus(config_of(server.url)), Rabbit(server.url)
    queue, outbox = before.queue("orders.*", "kept"), Outbox(store, "orders")
    before.leave()
    commit(store, 1, 2, 3)
    announce(outbox, bus)
    server.kill()
    commit(store, 4)
    with pytest.raises(BrokerAway, match="cannot be reached"):
        announce(outbox, bus)
    server.start()
    commit(store, 5)
    announce(outbox, bus)
    bus.close()
    after = Rabbit(server.url)
    assert set(after.ids(queue)) == set(ids_of(1, 2, 3, 4, 5))
    after.leave()
