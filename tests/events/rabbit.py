"""The broker as a consumer sees it, for tests."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pika import BasicProperties, BlockingConnection, URLParameters
from pydantic import SecretStr

from datastream.connections import EventBusConfig
from datastream.events.event import Event
from datastream.events.topology import EVENTS, TOPOLOGY, Topology, declare
from deployments.stack.waiting import wait_until

Message = tuple[BasicProperties, dict[str, Any]]


def config_of(url: str, timeout: timedelta = timedelta(seconds=5)) -> EventBusConfig:
    return EventBusConfig(url=SecretStr(url), timeout=timeout)


def event(number: int = 1, stream: str = "orders", what: str = "committed") -> Event:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Event.about(
        stream, what, id=f"{stream}/0/{number}/1", subject=f"0-{number:012}", time=at, data={"n": number}
    )


def varied(name: str, **changes: Any) -> Topology:
    """Return the topology with another queue of this name."""
    queues = tuple(replace(queue, **changes) if queue.name == name else queue for queue in TOPOLOGY.queues)
    return replace(TOPOLOGY, queues=queues)


class Rabbit:
    """A connection to the broker, with queues that go when it is closed."""

    def __init__(self, url: str) -> None:
        self.url, self.config = url, config_of(url)
        self._connection = BlockingConnection(URLParameters(url))
        self.channel = self._connection.channel()
        self.channel.confirm_delivery()

    def queue(self, key: str, name: str = "", **arguments: Any) -> str:
        """Bind a queue to the events: one that goes with us, or a durable one of this name."""
        declare(self.channel)
        own = self.channel.queue_declare(name, durable=bool(name), exclusive=not name, arguments=arguments).method.queue
        self.channel.queue_bind(own, EVENTS, key)
        return own

    def take(self, queue: str, count: int = 1) -> list[Message]:
        """Take so many messages off a queue, and no more."""
        taken: list[Message] = []
        wait_until(lambda: self._taken(queue, taken) >= count, timedelta(seconds=10))
        assert len(taken) == count
        return taken

    def ids(self, queue: str) -> list[str]:
        """Take everything that is there, and return the ids."""
        taken: list[Message] = []
        self._taken(queue, taken)
        return [properties.message_id for properties, _ in taken]

    def depth(self, queue: str) -> int:
        return self.channel.queue_declare(queue, passive=True).method.message_count

    def _taken(self, queue: str, taken: list[Message]) -> int:
        while (got := self.channel.basic_get(queue, auto_ack=True))[0]:
            taken.append((got[1], json.loads(got[2])))
        return len(taken)

    def close(self) -> None:
        """Leave nothing behind."""
        channel = self._connection.channel()
        for queue in TOPOLOGY.queues:
            channel.queue_delete(queue.name)
        for exchange in TOPOLOGY.exchanges:
            channel.exchange_delete(exchange.name)
        self.leave()

    def leave(self) -> None:
        """Leave what is durable behind."""
        self._connection.close()
