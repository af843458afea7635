"""What `datastream metrics` tells: each commit's rows once, what is away as away, and nothing that it cannot know."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from datastream.auth import CredentialUnusable, ends_at
from datastream.clock import ManualClock
from datastream.credentials import ClientCertificate
from datastream.errors import DatastreamError, Permanent, Transient
from datastream.lake.store import MemoryStore
from datastream.resilience import BreakerState
from deployments.figures import Figures, Rows, breakers, certificates, queues
from deployments.stack.waiting import wait_until
from deployments.standing import Standing
from tests.auth.test_tls import OURS
from tests.beyond.described import ROOT
from tests.conftest import NOW, World, orders

SOON = timedelta(seconds=30)


class Streams:
    """A catalog of one stream."""

    def __init__(self, world: World) -> None:
        self._world = world

    def names(self) -> list[str]:
        return ["orders"]

    def stream(self, _name: str) -> object:
        return self._world.stream


def told(figures: Figures) -> dict[tuple[str, ...], float]:
    registry = CollectorRegistry()
    registry.register(figures)
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def away() -> dict[str, int]:
    raise Transient("It is away.")


def test_rows_are_counted_from_the_first_look_and_each_commit_once(world: World) -> None:
    world.api.records = orders(120)
    world.run()
    rows = Rows()
    assert rows.count(world.store, "orders").read == 0
    world.api.records = orders(130)
    world.run()
    more = rows.count(world.store, "orders")
    assert (more.loaded, more.read) == (10, 10 + more.duplicates)
    assert rows.count(world.store, "orders") == more


def test_rows_of_a_lane_that_is_new_are_counted_from_its_first_commit(world: World) -> None:
    rows = Rows()
    assert rows.count(world.store, "orders").read == 0
    world.api.records = orders(50)
    world.run()
    assert rows.count(world.store, "orders").read == 50


def test_looking_again_reads_no_commit_again(world: World) -> None:
    world.api.records = orders(50)
    world.run()
    rows, reads = Rows(), []
    rows.count(world.store, "orders")
    read = world.store.read
    world.store.read = lambda key: reads.append(key) or read(key)
    rows.count(world.store, "orders")
    assert len(reads) == 1  # the commit that would be the next


def test_what_is_away_is_down_and_hides_nothing_else(world: World) -> None:
    standings = [Standing("orders", waiting=3, unannounced=0), Standing("broken", problem="It is no stream.")]
    figures = Figures(Streams(world), lambda: standings, MemoryStore, {"rabbitmq": queues(away), "redis": queues(dict)})
    found = told(figures)
    assert found["datastream_up", "rabbitmq"] == 0
    assert found["datastream_up", "redis"] == 1
    assert (found["datastream_stream_up", "broken"], found["datastream_stream_up", "orders"]) == (0, 1)
    assert found["datastream_waiting", "orders"] == 3
    assert ("datastream_waiting", "broken") not in found


def test_what_is_away_is_said_once_and_again_when_it_was_back(world: World, caplog: pytest.LogCaptureFixture) -> None:
    answers = iter([away, away, dict, away])

    def depths() -> dict[str, int]:
        return next(answers)()

    figures = Figures(Streams(world), list, MemoryStore, {"rabbitmq": queues(depths)})
    assert [told(figures)["datastream_up", "rabbitmq"] for _ in range(4)] == [0, 0, 1, 0]
    assert [record.message for record in caplog.records] == [
        "Left out of the metrics until it is back: It is away."
    ] * 2


def test_a_breaker_is_open_until_it_closes(world: World) -> None:
    """Half-open is open to whoever is told: one probe is made, and all others are left alone still."""
    clock = ManualClock(NOW)
    states = {
        "open": BreakerState(5, "no", NOW, NOW + timedelta(seconds=1)),
        "probing": BreakerState(5, "no", NOW, NOW),
        "failing": BreakerState(2, "no"),
    }
    found = told(Figures(Streams(world), list, MemoryStore, {"redis": breakers(lambda: states, clock)}))
    told_open = {name: found["datastream_breaker_open", name] for name in states}
    assert told_open == {"open": 1, "probing": 1, "failing": 0}


def test_blocks_are_read_for_certificates_every_few_minutes_only(world: World) -> None:
    clock, asked = ManualClock(NOW), []
    part = certificates(Streams(world), lambda stream: asked.append(stream.name) or NOW, clock)
    figures = Figures(Streams(world), list, MemoryStore, {"prefect": part})
    name = "datastream_certificate_end_timestamp_seconds"
    assert [told(figures)[name, "orders"] for _ in range(3)] == [NOW.timestamp()] * 3
    assert asked == ["orders"]
    clock.advance(timedelta(minutes=6))
    told(figures)
    assert len(asked) == 2


def test_a_block_that_is_away_keeps_what_was_known_of_its_certificate(world: World) -> None:
    clock, answers, asked = ManualClock(NOW), [NOW], []

    def end(_stream: object) -> datetime:
        asked.append(clock.now())
        if not answers:
            raise Transient("Prefect is away.")
        return answers.pop()

    figures = Figures(Streams(world), list, MemoryStore, {"prefect": certificates(Streams(world), end, clock)})
    told(figures)
    clock.advance(timedelta(minutes=6))
    for _ in range(3):  # and it is not asked at each scrape, which would wait for it
        found = told(figures)
    assert len(asked) == 2
    assert found["datastream_up", "prefect"] == 0
    assert found["datastream_certificate_end_timestamp_seconds", "orders"] == NOW.timestamp()


def test_a_block_that_is_missing_is_not_the_servers_fault(world: World) -> None:
    def end(_stream: object) -> datetime:
        raise Permanent("There is no such block.")

    part = certificates(Streams(world), end, ManualClock(NOW))
    found = told(Figures(Streams(world), list, MemoryStore, {"prefect": part}))
    assert found["datastream_up", "prefect"] == 1
    assert ("datastream_certificate_end_timestamp_seconds", "orders") not in found


def test_the_end_of_a_certificate_is_its_own() -> None:
    ours = ClientCertificate(certificate=SecretStr(OURS.pem), key=SecretStr(OURS.key_pem()))
    assert timedelta(hours=23) < ends_at(ours) - datetime.now(UTC) < timedelta(hours=25)


def test_a_certificate_that_is_none_is_told_without_what_it_holds() -> None:
    broken = ClientCertificate(
        certificate=SecretStr("-----BEGIN CERTIFICATE-----\nAAAA"), key=SecretStr(OURS.key_pem())
    )
    with pytest.raises(CredentialUnusable, match="client_certificate") as caught:
        ends_at(broken)
    assert "AAAA" not in str(caught.value)
    assert isinstance(caught.value, DatastreamError)


@pytest.fixture
def command(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    (tmp_path / "streams").mkdir()
    inherited = {name: v for name, v in os.environ.items() if not name.startswith(("PREFECT_", "DATASTREAM_"))}
    env = {**inherited, "PYTHONPATH": str(ROOT), "DATASTREAM_PROJECT": str(tmp_path), "PREFECT_HOME": str(tmp_path)}
    words = [sys.executable, "-m", "deployments.cli", "metrics", "--port", "0"]
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        yield process
        process.kill()


def test_the_command_answers_and_ends_when_it_is_asked_to(command: subprocess.Popen[str]) -> None:
    said = command.stdout.readline()
    url = re.search(r"http://127\.0\.0\.1:\d+/metrics", said)
    assert url, said
    assert "datastream_stream_up" in httpx.get(url[0]).text
    command.send_signal(signal.SIGTERM)
    assert wait_until(lambda: command.poll() is not None, SOON)
    assert command.returncode == 0
