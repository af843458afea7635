"""The log is the outbox: every commit is announced in order, at least once, and told in the same words."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from datastream.announce import Outbox, announce, events_of
from datastream.events.contract import BrokerAway
from datastream.events.memory import MemoryBus
from datastream.events.rabbitmq import RabbitBus
from datastream.lake import reader, writer
from datastream.lake.local import LocalStore
from datastream.lake.log import Log
from datastream.lake.manifest import DataFile
from datastream.lake.s3 import S3Store
from datastream.lake.store import MemoryStore, Store
from datastream.lake.verify import verify
from tests.conftest import World, order, orders
from tests.events.commits import commit, ids_of
from tests.events.rabbit import config_of
from tests.lake.plans import plan_of


@pytest.fixture(params=["memory", "local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    match request.param:
        case "memory":
            yield MemoryStore()
        case "local":
            yield LocalStore(tmp_path / "lake")
        case "s3":
            lake = request.getfixturevalue("s3_lake")
            yield S3Store(lake.model_copy(update={"uri": f"{lake.uri}/{tmp_path.name}"}))


def told(bus: MemoryBus) -> list[str]:
    return [event.id for event in bus.published]


def marks(store: Store) -> list[str]:
    return sorted(store.keys("_events/"))


def test_what_waits_is_announced_in_order_and_once(store: Store) -> None:
    bus = MemoryBus()
    commit(store, *range(1, 8))
    assert announce(Outbox(store, "orders"), bus) == 7
    assert announce(Outbox(store, "orders"), bus) == 0
    assert told(bus) == ids_of(*range(1, 8))
    assert marks(store) == ["_events/orders/0/000000000007.announced"]


def test_an_outbox_goes_on_as_its_lane_does(store: Store) -> None:
    bus, outbox = MemoryBus(), Outbox(store, "orders")
    for seq in range(1, 5):
        commit(store, seq)
        assert outbox.waiting() == 1
        assert announce(outbox, bus) == 1
    assert told(bus) == ids_of(*range(1, 5))
    assert (outbox.waiting(), outbox.position, len(marks(store))) == (0, 4, 1)


def test_without_a_bus_commits_wait_and_the_first_one_is_told_all_of_them() -> None:
    store, bus = MemoryStore(), MemoryBus()
    commit(store, *range(1, 201))
    outbox = Outbox(store, "orders")
    assert announce(outbox, None) == 0
    assert outbox.waiting() == 200
    assert announce(outbox, bus) == 200
    assert told(bus) == ids_of(*range(1, 201))


def test_a_broker_that_is_away_leaves_the_position_where_it_was() -> None:
    store = MemoryStore()
    commit(store, 1, 2)
    with pytest.raises(BrokerAway):
        announce(Outbox(store, "orders"), RabbitBus(config_of("amqp://127.0.0.1:9/")))
    outbox = Outbox(store, "orders")
    assert (outbox.position, outbox.waiting()) == (0, 2)


class Watched(MemoryStore):
    """Remembers what was read."""

    def __init__(self) -> None:
        super().__init__()
        self.looked_for: list[str] = []

    def read(self, key: str) -> bytes | None:
        self.looked_for.append(key)
        return super().read(key)


def test_where_nothing_waits_one_object_is_looked_for() -> None:
    """However long the log is."""
    store = Watched()
    commit(store, *range(1, 101))
    outbox = Outbox(store, "orders")
    announce(outbox, MemoryBus())
    store.looked_for.clear()
    announce(outbox, MemoryBus())
    assert store.looked_for == ["_log/orders/0/000000000101.json"]


def test_two_who_announce_at_once_repeat_and_leave_out_nothing(tmp_path: Path) -> None:
    store, bus = LocalStore(tmp_path / "lake"), MemoryBus()
    commit(store, *range(1, 101))
    outboxes = [Outbox(store, "orders") for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda outbox: announce(outbox, bus), outboxes))
    assert set(told(bus)) == set(ids_of(*range(1, 101)))
    assert len({event.encoded for event in bus.published}) == len(set(told(bus)))
    assert Outbox(store, "orders").position == 100


def test_of_marks_that_were_left_the_newest_counts() -> None:
    store, bus = MemoryStore(), MemoryBus()
    commit(store, *range(1, 6))
    for mark in (2, 4, 3):
        store.create(f"_events/orders/0/{mark:012}.announced", b"")
    announce(Outbox(store, "orders"), bus)
    assert told(bus) == ids_of(5)
    assert marks(store) == ["_events/orders/0/000000000005.announced"]


def test_an_event_tells_what_the_manifest_says_and_no_value_of_a_row(world: World) -> None:
    mail = "someone@example.org"
    world.api.records += [*orders(30), order(31, amount=None, mail=mail), order(32, mail=mail)]
    [manifest] = world.run("nightly")
    committed, quarantined = events_of(manifest)
    assert (committed.id, quarantined.id) == ("orders/0/1/1", "orders/0/1/2")
    assert (committed.routing_key, quarantined.routing_key) == ("orders.committed", "orders.quarantined")
    assert committed.data["accounts"] == {"read": 32, "loaded": 31, "quarantined": 1, "duplicates": 0, "replayed": 0}
    assert (committed.data["commit"], committed.data["run"]) == ("0-000000000001", "nightly")
    assert committed.data["rules"] == {"amount not null": 1}
    assert sum(file["rows"] for file in committed.data["files"]) == 31
    assert quarantined.data["files"][0]["key"] == "_quarantine/orders/0-000000000001.parquet"
    assert mail.encode() not in committed.encoded + quarantined.encoded


def test_a_commit_that_loaded_nothing_is_told_too() -> None:
    """Numbers without a gap tell a consumer that it missed nothing."""
    store = MemoryStore()
    manifest = Log(store, "orders").commit(writer.write(store, plan_of([])))
    [event] = events_of(manifest)
    assert (event.type, event.data["accounts"]["loaded"]) == ("datastream.committed", 0)


def test_an_event_of_a_commit_with_many_files_stays_small() -> None:
    store = MemoryStore()
    commit(store, 1)
    manifest = Log(store, "orders").manifest(1)
    assert manifest is not None
    key = f"orders/data/at_hour=2026-01-01T00/{'x' * 70}-000000000001-0000.parquet"
    files = [DataFile(key=key, rows=1000, bytes=100_000, sha256="", cursor=None)] * 5_000
    [event] = events_of(msgspec.structs.replace(manifest, files=files))
    assert (event.data["file_count"], len(event.data["files"])) == (5_000, 200)
    assert event.data["manifest"] == "_log/orders/0/000000000001.json"
    assert len(event.encoded) < 64 * 1024


def test_positions_disturb_nobody_who_reads_the_lake(store: Store) -> None:
    commit(store, 1, 2)
    announce(Outbox(store, "orders"), MemoryBus())
    assert reader.streams(store) == ["orders"]
    assert verify(store, "orders").problems == []


def test_lanes_have_positions_of_their_own() -> None:
    store = MemoryStore()
    Outbox(store, "orders", "0").move(5)
    Outbox(store, "orders", "replay").move(2)
    assert [Outbox(store, "orders", lane).position for lane in ("0", "1", "replay")] == [5, 0, 2]
