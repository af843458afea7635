"""Live and ready: each dependency by itself and by name, none waited for longer than its time, none asked too often."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from datastream.buffers.memory import MemoryBuffer
from datastream.errors import Permanent, Transient
from datastream.gateway import Probe
from deployments.stack.waiting import wait_until
from tests.gateway.serving import Sender, serving

SOON = timedelta(seconds=10)


class Bus:
    """A dependency that can fail, hang, and count how often it is asked."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.asked = 0
        self.goes_on = threading.Event()
        self.goes_on.set()

    def check(self) -> str:
        self.asked += 1
        self.goes_on.wait()
        if self.error:
            raise self.error
        return "RabbitMQ 3.10 takes messages."


@pytest.fixture
def bus() -> Iterator[Bus]:
    made = Bus()
    yield made
    made.goes_on.set()


@pytest.fixture
def gateway(bus: Bus, streams: Path) -> Iterator[Sender]:
    others = {"rabbitmq": Probe(bus.check, timedelta(seconds=0.5))}
    with serving(MemoryBuffer(), streams, others=others) as sender:
        yield sender


def test_each_dependency_is_named_with_what_it_says_and_how_long_it_took(gateway: Sender) -> None:
    answer = gateway.get("/health/ready")
    found = {each["name"]: each for each in answer.json()["dependencies"]}
    assert (answer.status_code, answer.json()["status"], list(found)) == (
        200,
        "ready",
        ["redis", "streams", "rabbitmq"],
    )
    assert found["rabbitmq"]["detail"] == "RabbitMQ 3.10 takes messages."
    assert found["streams"]["detail"] == "Posts are taken for departures."
    assert all(each["ok"] and 0 <= each["seconds"] < 1 for each in found.values())


@pytest.mark.parametrize("error", [Transient("It is away."), Permanent("Its queue has other arguments: delete it.")])
def test_one_that_is_not_well_is_named_and_the_gateway_lives(gateway: Sender, bus: Bus, error: Exception) -> None:
    """Posts are taken all the same: events wait in the lake's log."""
    bus.error = error
    assert wait_until(lambda: gateway.trouble("rabbitmq") == str(error), SOON)
    assert gateway.get("/health/ready").json()["status"] == "not ready"
    assert gateway.get("/health/live").status_code == 200
    assert gateway.takes_posts()
    bus.error = None
    assert wait_until(lambda: gateway.get("/health/ready").status_code == 200, SOON)


def test_one_that_hangs_is_cut_and_named_and_asked_only_once(gateway: Sender, bus: Bus) -> None:
    wait_until(lambda: False, timedelta(seconds=1.1))  # until what is known of it is old
    bus.goes_on.clear()
    before, began = bus.asked, time.monotonic()
    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(lambda _: gateway.trouble("rabbitmq"), range(16)))
    assert set(said) == {"It did not answer within 0.5 s."}
    assert time.monotonic() - began < 3
    assert bus.asked == before + 1
    bus.goes_on.set()
    assert wait_until(lambda: gateway.trouble("rabbitmq") == "", SOON)


def test_a_flood_of_questions_is_one_check_a_second(gateway: Sender, bus: Bus) -> None:
    before, began = bus.asked, time.monotonic()
    for _ in range(100):
        assert gateway.get("/health/ready").status_code == 200
    assert bus.asked - before <= time.monotonic() - began + 1


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
def test_pages_answer_get_and_head_and_nothing_else(gateway: Sender, path: str) -> None:
    assert gateway.client.head(gateway.url + path).status_code == 200
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        answer = gateway.client.request(method, gateway.url + path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
