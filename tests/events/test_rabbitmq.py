"""What RabbitMQ gets, and what is said when it does not."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from pika import DeliveryMode

from datastream.events.bus import open_event_bus
from datastream.events.contract import BrokerAway, BrokerBlocked, BrokerUnusable, EventRefused
from datastream.events.rabbitmq import RabbitBus
from datastream.events.topology import UNROUTED, TopologyDiffers
from deployments.stack.waiting import wait_until
from tests.events.proxy import Proxy
from tests.events.rabbit import Rabbit, config_of, event

SOON = timedelta(milliseconds=300)


def test_a_queue_gets_the_events_it_is_bound_for_as_cloudevents(rabbit: Rabbit, bus: RabbitBus) -> None:
    orders = rabbit.queue("orders.*")
    bus.publish([event(7), event(7, stream="flights")])
    [(properties, body)] = rabbit.take(orders)
    assert {name: body[name] for name in ("specversion", "id", "source", "type", "subject", "datacontenttype")} == {
        "specversion": "1.0",
        "id": "orders/0/7/1",
        "source": "/datastream/streams/orders",
        "type": "datastream.committed",
        "subject": "0-000000000007",
        "datacontenttype": "application/json",
    }
    assert datetime.fromisoformat(body["time"]).utcoffset() == timedelta()
    assert body["data"] == {"n": 7}
    assert properties.message_id == body["id"]
    assert properties.content_type == "application/cloudevents+json"
    assert properties.delivery_mode == DeliveryMode.Persistent.value
    assert (properties.app_id, properties.timestamp) == ("datastream", 1_767_225_600)


def test_an_event_nobody_asked_for_is_kept_among_the_unrouted(rabbit: Rabbit, bus: RabbitBus) -> None:
    rabbit.queue("flights.*")
    bus.publish([event(1)])
    assert rabbit.ids(UNROUTED) == ["orders/0/1/1"]


def test_what_is_deleted_under_us_is_declared_again(rabbit: Rabbit, bus: RabbitBus) -> None:
    bus.publish([event(1)])
    rabbit.channel.queue_delete(UNROUTED)
    with pytest.raises(EventRefused, match="no queue for an event"):
        bus.publish([event(2)])
    bus.publish([event(2)])
    assert rabbit.ids(UNROUTED) == ["orders/0/2/1"]


def test_a_full_queue_is_told_in_a_sentence(rabbit: Rabbit, bus: RabbitBus) -> None:
    rabbit.queue("#", **{"x-max-length": 1, "x-overflow": "reject-publish"})
    bus.publish([event(1)])
    with pytest.raises(EventRefused, match="a queue is full"):
        bus.publish([event(2)])


def test_threads_may_share_a_bus(rabbit: Rabbit, bus: RabbitBus) -> None:
    queue = rabbit.queue("#")
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: bus.publish([event(number)]), range(200)))
    assert sorted(rabbit.ids(queue)) == sorted(event(number).id for number in range(200))


def test_the_first_event_after_a_long_rest_arrives(rabbit: Rabbit, proxy: Proxy) -> None:
    """The broker gives up a connection that shows no sign of life."""
    queue = rabbit.queue("#")
    bus = RabbitBus(config_of(f"{proxy.url}?heartbeat=1"))
    bus.publish([event(1)])
    assert wait_until(proxy.closed_by_broker.is_set, timedelta(seconds=20))
    bus.publish([event(2)])
    bus.close()
    assert rabbit.ids(queue) == ["orders/0/1/1", "orders/0/2/1"]


def test_an_answer_that_is_lost_may_leave_an_event_that_is_kept(rabbit: Rabbit, proxy: Proxy) -> None:
    """The broker has it, and nobody knows: it is published again under the same id."""
    queue = rabbit.queue("#")
    bus = RabbitBus(config_of(proxy.url, timeout=SOON))
    bus.check()
    proxy.losing_answers = True
    with pytest.raises(BrokerAway, match="may or may not be kept"):
        bus.publish([event(1)])
    proxy.losing_answers = False
    bus.publish([event(1)])
    bus.close()
    assert rabbit.ids(queue) == ["orders/0/1/1"] * 2


def test_a_broker_that_is_short_of_memory_holds_nobody_up_for_long(proxy: Proxy) -> None:
    """Pika by itself would wait until the broker has memory again."""
    bus = RabbitBus(config_of(proxy.url, timeout=SOON))
    bus.check()
    proxy.block()
    with pytest.raises(BrokerBlocked, match="short of memory or disk"):
        bus.publish([event(1)])


def test_a_broker_that_takes_connections_and_says_nothing_is_given_up(proxy: Proxy) -> None:
    proxy.losing_answers = True
    with pytest.raises(BrokerAway, match="does not answer"):
        RabbitBus(config_of(proxy.url, timeout=SOON)).check()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("guest:wrong@", r"refuses us: .*ACCESS_REFUSED.* Correct user, password"),
        ("nobody@", r"names a user and no password"),
    ],
)
def test_a_login_that_is_wrong_is_told_in_a_sentence(rabbitmq_url: str, changed: str, said: str) -> None:
    config = config_of(rabbitmq_url.replace("guest:guest@", changed))
    with pytest.raises(BrokerUnusable, match=said) as told, open_event_bus(config) as bus:
        bus.check()
    assert "wrong" not in str(told.value)


def test_a_virtual_host_that_is_not_there_is_told_in_a_sentence(rabbitmq_url: str) -> None:
    with pytest.raises(BrokerUnusable, match=r"'nowhere' refuses us: .*vhost nowhere not found"):
        RabbitBus(config_of(rabbitmq_url.replace("%2F", "nowhere"))).check()


def test_a_broker_that_is_not_there_is_told_in_a_sentence() -> None:
    with pytest.raises(BrokerAway, match=r"cannot be reached: .*Connection refused.* Is it running"):
        RabbitBus(config_of("amqp://127.0.0.1:9/")).publish([event(1)])


def test_an_address_that_cannot_be_understood_is_told_in_a_sentence() -> None:
    with pytest.raises(BrokerUnusable, match=r"Unknown URL parameter: 'color'.*Write it like amqp://"):
        RabbitBus(config_of("amqp://127.0.0.1/?color=red"))


def test_a_topology_that_differs_is_told_by_whoever_publishes(rabbit: Rabbit, bus: RabbitBus) -> None:
    rabbit.channel.queue_declare(UNROUTED, durable=True)
    with pytest.raises(TopologyDiffers, match=r"queue 'stream\.events\.unrouted'"):
        bus.publish([event(1)])


def test_without_a_configuration_there_is_no_bus() -> None:
    with open_event_bus(None) as bus:
        assert bus is None
