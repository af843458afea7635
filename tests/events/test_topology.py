"""What is declared on RabbitMQ, and what the broker makes of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pika import BasicProperties

from datastream.events.contract import BrokerUnusable
from datastream.events.rabbitmq import RabbitBus
from datastream.events.topology import (
    COMMANDS,
    DEAD,
    EVENTS,
    RETRY,
    TASKS,
    TOPOLOGY,
    UNROUTED,
    Binding,
    Exchange,
    TopologyDiffers,
    TopologyGone,
    declare,
)
from deployments.stack.waiting import wait_until
from tests.events.rabbit import Rabbit, event, varied

SHORT = timedelta(milliseconds=150)


def ask(rabbit: Rabbit) -> None:
    """Send a task."""
    rabbit.channel.basic_publish(COMMANDS, TASKS, b"task", BasicProperties(message_id="t"), mandatory=True)


def next_task(rabbit: Rabbit) -> tuple[int, dict[str, Any]]:
    """Wait for a task; return its tag and headers."""
    got: list[Any] = []

    def came() -> bool:
        method, properties, _ = rabbit.channel.basic_get(TASKS)
        got.extend([method.delivery_tag, properties.headers] if method else [])
        return bool(got)

    assert wait_until(came, timedelta(seconds=10))
    return got[0], got[1]


def test_declaring_twice_is_fine(rabbit: Rabbit) -> None:
    declare(rabbit.channel)
    declare(rabbit.channel)


@pytest.mark.parametrize(
    ("queue", "arguments"),
    [
        (RETRY, {"x-message-ttl": 900_000, "x-dead-letter-routing-key": "processing.tasks"}),
        (TASKS, {"x-delivery-limit": 1_000_000_000, "x-dead-letter-routing-key": "processing.tasks.retry"}),
        (DEAD, {"x-message-ttl": 86_400_000}),
        (UNROUTED, {"x-max-length": 10_000, "x-overflow": "drop-head"}),
    ],
)
def test_the_broker_holds_what_is_written_down(rabbit: Rabbit, queue: str, arguments: dict[str, Any]) -> None:
    """It compares every argument with what it has, and would refuse others. Times are in milliseconds."""
    declare(rabbit.channel)
    onwards = {
        "x-dead-letter-exchange": "", "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish",
    }  # fmt: skip
    onwards = onwards if "x-dead-letter-routing-key" in arguments else {}
    rabbit.channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum", **onwards, **arguments})


def test_a_queue_that_was_declared_otherwise_is_told_in_a_sentence(rabbit: Rabbit) -> None:
    rabbit.channel.queue_declare(DEAD, durable=True, arguments={"x-queue-type": "quorum", "x-message-ttl": 86_400})
    with pytest.raises(TopologyDiffers, match=r"queue 'dead\.letter'.*x-message-ttl.* Delete it .* virtual host"):
        declare(rabbit.channel)


def test_an_exchange_of_another_kind_is_told_in_a_sentence(rabbit: Rabbit) -> None:
    rabbit.channel.exchange_declare(EVENTS, "fanout", durable=True)
    with pytest.raises(TopologyDiffers, match=r"exchange 'stream\.events'.*'fanout'"):
        declare(rabbit.channel)


def test_a_right_that_is_missing_is_told_in_a_sentence(rabbit: Rabbit) -> None:
    """Names that begin with amq. are the broker's own: nobody has the right to declare one."""
    topology = replace(TOPOLOGY, exchanges=(Exchange("amq.mine", "topic"),))
    with pytest.raises(BrokerUnusable, match=r"'amq\.mine'.*ACCESS_REFUSED.*Give the user the rights"):
        declare(rabbit.channel, topology)


def test_a_queue_that_is_gone_is_told_in_a_sentence(rabbit: Rabbit) -> None:
    topology = replace(TOPOLOGY, bindings=(Binding(EVENTS, "gone", "#"),))
    with pytest.raises(TopologyGone, match=r"binding of 'gone' to 'stream\.events'.*NOT_FOUND"):
        declare(rabbit.channel, topology)


def test_a_rejected_task_comes_back_and_knows_how_often(rabbit: Rabbit) -> None:
    declare(rabbit.channel, varied(RETRY, ttl=SHORT))
    ask(rabbit)
    for rejected in range(3):
        tag, headers = next_task(rabbit)
        deaths = {death["reason"]: death["count"] for death in headers.get("x-death", [])}
        assert deaths.get("rejected", 0) == rejected
        rabbit.channel.basic_reject(tag, requeue=False)


def test_a_task_that_is_given_back_again_and_again_is_kept(rabbit: Rabbit) -> None:
    """At a limit it would go to the queue for retries without a rejection, and never come back."""
    declare(rabbit.channel, varied(RETRY, ttl=SHORT))
    ask(rabbit)
    for given_back in range(30):
        tag, headers = next_task(rabbit)
        assert headers["x-delivery-count"] == given_back
        rabbit.channel.basic_nack(tag, requeue=True)
    rabbit.channel.basic_ack(next_task(rabbit)[0])


def test_a_dead_letter_is_dropped_when_its_time_is_over(rabbit: Rabbit) -> None:
    declare(rabbit.channel, varied(DEAD, ttl=SHORT))
    rabbit.channel.basic_publish("", DEAD, b"dead", mandatory=True)
    assert wait_until(lambda: rabbit.depth(DEAD) == 0, timedelta(seconds=10))


def test_of_events_nobody_asked_for_the_oldest_make_room(rabbit: Rabbit) -> None:
    bus = RabbitBus(rabbit.config, varied(UNROUTED, most=3))
    bus.publish([event(number) for number in range(1, 6)])
    bus.close()
    assert rabbit.ids(UNROUTED) == ["orders/0/3/1", "orders/0/4/1", "orders/0/5/1"]
