"""A commit is announced after it is settled. What the bus does not take, the log keeps, and nothing waits for it."""

from collections.abc import Sequence

from datastream.announce import Outbox
from datastream.events.contract import BrokerAway
from datastream.events.event import Event
from datastream.events.memory import MemoryBus
from tests.conftest import World, order, orders


class AwayBus(MemoryBus):
    """A bus that takes nothing, and counts how often it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def publish(self, events: Sequence[Event]) -> None:
        del events
        self.asked += 1
        raise BrokerAway("The broker is away.")


def test_each_commit_is_announced_with_its_accounts(world: World) -> None:
    world.bus = bus = MemoryBus()
    world.api.records = [*orders(700), order(800, amount=None)]
    world.run()
    assert [event.id for event in bus.published] == ["orders/0/1/1", "orders/0/2/1", "orders/0/2/2"]
    assert [event.data["accounts"]["read"] for event in bus.published] == [500, 201, 201]
    assert Outbox(world.store, "orders").waiting() == 0


def test_a_bus_that_is_away_delays_events_and_nothing_else(world: World) -> None:
    """It is asked once a run, and the next run announces what waits."""
    world.bus = away = AwayBus()
    world.api.records = orders(1100)
    assert len(world.run()) == 3
    assert (away.asked, Outbox(world.store, "orders").waiting()) == (1, 3)
    world.bus = bus = MemoryBus()
    world.run()
    assert [event.id for event in bus.published][:3] == ["orders/0/1/1", "orders/0/2/1", "orders/0/3/1"]
    assert Outbox(world.store, "orders").waiting() == 0


def test_without_a_bus_the_log_keeps_what_there_is_to_announce(world: World) -> None:
    world.api.records = orders(10)
    world.run()
    assert Outbox(world.store, "orders").waiting() == 1
