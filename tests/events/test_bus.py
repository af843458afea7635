"""The contract of an event bus, held by every implementation."""

from collections.abc import Callable

import pytest

from datastream.events.contract import EventBus
from datastream.events.memory import MemoryBus
from tests.events.rabbit import event

Published = Callable[[], list[str]]


@pytest.fixture(params=["memory", "rabbitmq"])
def pair(request: pytest.FixtureRequest) -> tuple[EventBus, Published]:
    """A bus, and what a consumer of everything finds: the ids."""
    if request.param == "memory":
        memory = MemoryBus()
        return memory, lambda: [published.id for published in memory.published]
    rabbit = request.getfixturevalue("rabbit")
    queue = rabbit.queue("#")
    return request.getfixturevalue("bus"), lambda: rabbit.ids(queue)


def test_events_are_there_in_order_when_publish_returns(pair: tuple[EventBus, Published]) -> None:
    bus, published = pair
    bus.publish([event(1), event(2), event(3)])
    assert published() == ["orders/0/1/1", "orders/0/2/1", "orders/0/3/1"]


def test_publishing_again_keeps_the_id(pair: tuple[EventBus, Published]) -> None:
    bus, published = pair
    bus.publish([event(1)])
    bus.publish([event(1)])
    assert published() == ["orders/0/1/1"] * 2


def test_publishing_nothing_is_fine(pair: tuple[EventBus, Published]) -> None:
    bus, published = pair
    bus.publish([])
    assert published() == []


def test_a_bus_says_which_broker_it_is(pair: tuple[EventBus, Published]) -> None:
    assert pair[0].check()


def test_closing_twice_is_fine(pair: tuple[EventBus, Published]) -> None:
    bus, _ = pair
    bus.publish([event(1)])
    bus.close()
    bus.close()
