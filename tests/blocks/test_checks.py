"""Each block says how its connection is, in a sentence, and shows itself with a description and an example."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import blocks
from blocks import ApiSource, DataLake, EventBus, StreamBuffer, WebhookSource
from datastream.buffers import BufferAway
from datastream.events.contract import BrokerAway
from datastream.sources.exchange import ApiUnreachable
from datastream.sources.judge import ApiRefused
from tests.events.rabbit import Rabbit
from tests.fake_api import LOCAL, FakeApi
from tests.posts import SECRET


@pytest.fixture
def broker(rabbitmq_url: str) -> Iterator[str]:
    rabbit = Rabbit(rabbitmq_url)
    yield rabbitmq_url
    rabbit.close()


def test_what_is_well_says_so(api: FakeApi, valkey_url: str, broker: str, tmp_path: Path) -> None:
    assert ApiSource(base_url=api.url, private_networks=LOCAL).check() == f"The API at {api.url} answers."
    assert "lets one writer win" in DataLake(uri=(tmp_path / "lake").as_uri()).check()
    assert "evicts nothing" in StreamBuffer(url=valkey_url).check()
    assert EventBus(url=broker).check().endswith("takes events.")
    assert WebhookSource(secrets=[SECRET]).check() == "1 secret to check signatures with."


def test_what_is_away_is_told() -> None:
    with pytest.raises(ApiUnreachable, match="Is the API up"):
        ApiSource(base_url="http://127.0.0.1:9", private_networks=LOCAL).check()
    with pytest.raises(BufferAway, match="is it up"):
        StreamBuffer(url="redis://127.0.0.1:9/0").check()
    with pytest.raises(BrokerAway, match="Is it running"):
        EventBus(url="amqp://127.0.0.1:9/").check()


def test_an_api_that_finds_nothing_at_its_address_is_there(api: FakeApi) -> None:
    api.fault = lambda _: (404, {}, b"")
    assert ApiSource(base_url=api.url, private_networks=LOCAL).check()


@pytest.mark.parametrize("status", [401, 403])
def test_an_api_that_does_not_let_us_in_is_told(api: FakeApi, status: int) -> None:
    api.fault = lambda _: (status, {}, b"")
    with pytest.raises(ApiRefused, match=str(status)):
        ApiSource(base_url=api.url, private_networks=LOCAL).check()


@pytest.mark.parametrize("name", blocks.__all__)
def test_a_block_describes_itself(name: str) -> None:
    kind = getattr(blocks, name)
    assert kind.get_description()
    assert f"from blocks import {name}" in kind.get_code_example()
    assert ".check()" in kind.get_code_example()
    compile(kind.get_code_example(), name, "exec")
