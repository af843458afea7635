"""RabbitMQ as a dependency of the gateway: what is not as it should be is named, and no post waits for it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from datastream.buffers.memory import MemoryBuffer
from datastream.events.rabbitmq import RabbitBus
from datastream.events.topology import UNROUTED
from datastream.gateway import Probe
from tests.events.rabbit import Rabbit, varied
from tests.gateway.serving import serving


@pytest.fixture
def rabbit(rabbitmq_url: str) -> Iterator[Rabbit]:
    opened = Rabbit(rabbitmq_url)
    yield opened
    opened.close()


def test_a_queue_that_somebody_declared_otherwise_is_named(rabbit: Rabbit, streams: Path) -> None:
    ours, others = RabbitBus(rabbit.config), RabbitBus(rabbit.config, varied(UNROUTED, most=3))
    others.check()
    probe = {"rabbitmq": Probe(ours.check, timedelta(seconds=2))}
    with serving(MemoryBuffer(), streams, others=probe) as gateway:
        assert UNROUTED in gateway.trouble("rabbitmq")
        assert gateway.takes_posts()
    for bus in (ours, others):
        bus.close()
