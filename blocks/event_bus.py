"""Where commits are announced, as a Prefect block: `event-bus/local`."""

from contextlib import closing

from prefect.blocks.core import Block

from blocks.known_fields import KnownFields
from datastream.connections import EventBusConfig


class EventBus(KnownFields, EventBusConfig, Block):
    """The RabbitMQ on which commits are announced.

    Give it to a flow as the parameter `events`; without it the flow uses DATASTREAM_RABBITMQ_URL.
    """

    _block_type_name = "Event Bus"
    _block_type_slug = "event-bus"
    _description = "The RabbitMQ on which commits are announced."
    _code_example = (
        "from blocks import EventBus\n\n"
        'EventBus(url="amqp://user:password@127.0.0.1:5672/%2F").save("local")\nprint(EventBus.load("local").check())\n'
    )

    def check(self) -> str:
        """Return what the event bus is, in a sentence. Raises what is wrong with it, in a sentence."""
        from datastream.events.rabbitmq import RabbitBus

        with closing(RabbitBus(self)) as bus:
            return bus.check()
