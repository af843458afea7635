"""Opens the event bus from its configuration."""

from collections.abc import Iterator
from contextlib import contextmanager

from datastream.connections import AlertsConfig, EventBusConfig
from datastream.events.contract import EventBus


@contextmanager
def open_event_bus(config: EventBusConfig | None) -> Iterator[EventBus | None]:
    """Lend the bus, or None where none is configured. It dials when it is first used. Raises BrokerUnusable."""
    if config is None:
        yield None
        return
    from datastream.events.rabbitmq import RabbitBus

    bus = RabbitBus(config)
    try:
        yield bus
    finally:
        bus.close()


@contextmanager
def open_alerts(config: AlertsConfig | None) -> Iterator[EventBus | None]:
    """Lend the receiver of alerts, or None where none is configured. It is asked when it is first used."""
    if config is None:
        yield None
        return
    from datastream.events.webhook import WebhookBus

    bus = WebhookBus(config)
    try:
        yield bus
    finally:
        bus.close()
