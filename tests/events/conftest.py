"""A real broker, empty before and after each test."""

from collections.abc import Iterator

import pytest

from datastream.events.rabbitmq import RabbitBus
from tests.events.proxy import Proxy, proxied
from tests.events.rabbit import Rabbit


@pytest.fixture
def rabbit(rabbitmq_url: str) -> Iterator[Rabbit]:
    rabbit = Rabbit(rabbitmq_url)
    yield rabbit
    rabbit.close()


@pytest.fixture
def bus(rabbit: Rabbit) -> Iterator[RabbitBus]:
    bus = RabbitBus(rabbit.config)
    yield bus
    bus.close()


@pytest.fixture
def proxy(rabbit: Rabbit) -> Iterator[Proxy]:
    with proxied(rabbit.url) as proxy:
        yield proxy
