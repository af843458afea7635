"""Every exchange and queue on RabbitMQ, as data: names are spelt once, and durations become milliseconds in one place.

Declaring is idempotent. The arguments are ones that RabbitMQ 3.10 and 4.x take alike; none may ever change under its
name, because a broker refuses to declare a queue anew with others.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from datastream.errors import Permanent, Transient
from datastream.events.contract import BrokerUnusable

if TYPE_CHECKING:
    from pika.adapters.blocking_connection import BlockingChannel


class TopologyDiffers(Permanent):
    """An exchange or queue exists under our name and is another."""


class TopologyGone(Transient):
    """An exchange or queue is missing, or the node that holds it is down."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A durable exchange. What no queue of it takes goes to `unrouted`, if there is one."""

    name: str
    kind: str
    unrouted: str | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """What RabbitMQ is told beside the kind."""
        return {"alternate-exchange": self.unrouted} if self.unrouted else {}


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable quorum queue. What is rejected, or older than `ttl`, goes on to the queue `next`, or is dropped."""

    name: str
    next: str | None = None
    ttl: timedelta | None = None
    most: int | None = None
    """How many messages are kept; the oldest makes room."""
    deliveries: int | None = None
    """How often a message may be given back without a rejection."""

    @property
    def arguments(self) -> dict[str, Any]:
        """What RabbitMQ is told."""
        wanted = {
            "x-message-ttl": round(self.ttl / timedelta(milliseconds=1)) if self.ttl else None,
            "x-max-length": self.most,
            "x-overflow": "drop-head" if self.most else None,
            "x-delivery-limit": self.deliveries,
        }
        onwards = {
            "x-dead-letter-exchange": "",  # the default exchange reaches a queue by its name: no binding can go missing
            "x-dead-letter-routing-key": self.next,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",  # at-least-once asks for it
        }
        given = {name: value for name, value in wanted.items() if value is not None}
        return {"x-queue-type": "quorum", **given, **(onwards if self.next else {})}


@dataclass(frozen=True, slots=True)
class Binding:
    """Which messages of an exchange a queue takes."""

    exchange: str
    queue: str
    key: str


@dataclass(frozen=True, slots=True)
class Topology:
    """Everything that is declared, in the order in which it must be."""

    exchanges: tuple[Exchange, ...]
    queues: tuple[Queue, ...]
    bindings: tuple[Binding, ...]


EVENTS, UNROUTED, COMMANDS = "stream.events", "stream.events.unrouted", "stream.commands"
TASKS, RETRY, DEAD = "processing.tasks", "processing.tasks.retry", "dead.letter"

# A task that exceeded a delivery limit would go to the queue for retries without a rejection. Its way back is then a
# cycle to RabbitMQ: the task stays there, invisible, and 32 such tasks stop all retries. So the limit is out of reach.
# Leaving it out means 20 on RabbitMQ 4, and -1 means unlimited there and no second delivery on 3.10.
_OUT_OF_REACH = 1_000_000_000

TOPOLOGY = Topology(
    exchanges=(
        Exchange(UNROUTED, "fanout"),
        Exchange(EVENTS, "topic", unrouted=UNROUTED),
        Exchange(COMMANDS, "direct"),
    ),
    queues=(
        # Bounded, because where nobody asks for an event nobody takes it away; the lake's log has every commit anyway.
        # A quorum queue, because a classic one on a node that is down would let publishing fail.
        Queue(UNROUTED, most=10_000),
        Queue(TASKS, next=RETRY, deliveries=_OUT_OF_REACH),
        Queue(RETRY, next=TASKS, ttl=timedelta(minutes=15)),
        Queue(DEAD, ttl=timedelta(seconds=86_400)),
    ),
    bindings=(
        Binding(UNROUTED, UNROUTED, ""),
        Binding(COMMANDS, TASKS, TASKS),
    ),
)


def declare(channel: "BlockingChannel", topology: Topology = TOPOLOGY) -> None:
    """Declare what is missing. Raises TopologyDiffers, TopologyGone and BrokerUnusable, and the channel is closed."""
    for exchange in topology.exchanges:
        with refusals_of(f"the exchange {exchange.name!r}"):
            channel.exchange_declare(exchange.name, exchange.kind, durable=True, arguments=exchange.arguments)
    for queue in topology.queues:
        with refusals_of(f"the queue {queue.name!r}"):
            channel.queue_declare(queue.name, durable=True, arguments=queue.arguments)
    for binding in topology.bindings:
        with refusals_of(f"the binding of {binding.queue!r} to {binding.exchange!r}"):
            channel.queue_bind(binding.queue, binding.exchange, binding.key)


@contextmanager
def refusals_of(what: str) -> Iterator[None]:
    """Say in a sentence why RabbitMQ closed the channel over `what`."""
    from pika.exceptions import ChannelClosedByBroker

    try:
        yield
    except ChannelClosedByBroker as error:
        said = f"RabbitMQ refuses {what}: {error.reply_text}."
        match error.reply_code:
            case 405 | 406:
                raise TopologyDiffers(
                    f"{said} It exists and was declared otherwise. Delete it when it is empty, or point "
                    "DATASTREAM_RABBITMQ_URL or the block event-bus to another virtual host."
                ) from error
            case 403:
                raise BrokerUnusable(
                    f"{said} Give the user the rights to configure, write and read on the virtual host."
                ) from error
            case _:
                raise TopologyGone(f"{said} It is declared again with the next attempt.") from error
