"""What is counted: by registered names only, in the words of the table, readable by Prometheus."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from datastream.buffers import BufferAway
from datastream.buffers.memory import MemoryBuffer
from datastream.gateway.metrics import TABLE
from deployments.stack.waiting import wait_until
from tests.gateway.serving import SOON, Sender, serving

Samples = dict[tuple[str, str], float]


class Buffer(MemoryBuffer):
    """One that can be away."""

    away = False

    def check(self) -> str:
        return super().check() if not self.away else self._fail()

    def depth(self, lane: str) -> int:
        return super().depth(lane) if not self.away else self._fail()

    def _fail(self) -> int:
        raise BufferAway("It is away.")


@pytest.fixture
def buffer() -> Buffer:
    return Buffer()


@pytest.fixture
def gateway(buffer: Buffer, streams: Path) -> Iterator[Sender]:
    with serving(buffer, streams) as sender:
        yield sender


def scraped(gateway: Sender) -> Samples:
    """Return each sample by its name and the values of its labels."""
    families = text_string_to_metric_families(gateway.get("/metrics").text)
    return {
        (sample.name, " ".join(value for label, value in sorted(sample.labels.items()) if label != "le")): sample.value
        for family in families
        for sample in family.samples
    }


def test_posts_are_counted_by_what_became_of_them(gateway: Sender) -> None:
    gateway.post(name="a")
    gateway.post(name="a")
    gateway.post(b"{")
    gateway.post(stream="nobody")
    found = scraped(gateway)
    counts = {status: found["stream_processing_duration_count", f"{status} webhook"] for status in STATUSES}
    assert counts == {"accepted": 1, "repeat": 1, "refused": 2, "unavailable": 0}
    assert 0 < found["stream_processing_duration_sum", "accepted webhook"] < 1


STATUSES = ("accepted", "repeat", "refused", "unavailable")


def test_the_depth_of_each_lane_is_what_waits_within_a_second(gateway: Sender) -> None:
    assert scraped(gateway)["event_queue_depth", "default departures:0"] == 0
    gateway.post()
    gateway.post()
    assert wait_until(lambda: scraped(gateway)["event_queue_depth", "default departures:0"] == 2, SOON)


def test_while_the_buffer_is_away_no_depth_is_told_and_it_is_down(gateway: Sender, buffer: Buffer) -> None:
    assert scraped(gateway)["datastream_up", "redis"] == 1
    buffer.away = True
    assert wait_until(lambda: scraped(gateway)["datastream_up", "redis"] == 0, SOON)
    assert wait_until(lambda: "event_queue_depth" not in {name for name, _ in scraped(gateway)}, SOON)
    assert scraped(gateway)["datastream_up", "streams"] == 1


def test_no_post_adds_a_series(gateway: Sender) -> None:
    before = set(scraped(gateway))
    for number in range(20):
        gateway.post(stream=f"random{number}", headers={"user-agent": f"agent{number}"})
        gateway.get(f"/path{number}")
        gateway.post(name=f"id{number}")
    assert set(scraped(gateway)) == before


def test_the_table_says_what_there_is(gateway: Sender) -> None:
    families = {family.name: family for family in text_string_to_metric_families(gateway.get("/metrics").text)}
    for metric in TABLE:
        assert families[metric.name].documentation == metric.meaning
        assert metric.meaning.count(".") >= 1 or ";" in metric.meaning
