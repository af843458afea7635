"""A real Prometheus scrapes gateway and metrics: nothing that a rule or the dashboard asks for is missing."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import redis
import yaml
from prometheus_client import CollectorRegistry, start_http_server
from pydantic import SecretStr

from datastream.buffers.breakers import breaker_states
from datastream.buffers.redis import open_buffer
from datastream.catalog import Catalog, Stream
from datastream.clock import SystemClock
from datastream.connections import BufferConfig, LakeConfig
from datastream.events.rabbitmq import RabbitBus
from datastream.lake.lake import open_lake
from datastream.resilience import BreakerState
from deployments.backlog import Backlog
from deployments.figures import Figures, breakers, certificates, queues
from deployments.stack import valkey
from deployments.stack.ports import LOOPBACK
from deployments.stack.waiting import wait_until
from deployments.standing import Standing, standings_of
from deployments.workers.metrics import Board, Door
from tests.beyond.described import DEPLOYMENTS, manifests
from tests.beyond.watching import FOLDER, SOON, Prometheus, prometheus
from tests.conftest import SUITE, World, orders, stream_of
from tests.events.rabbit import Rabbit
from tests.fake_api import FakeApi
from tests.fake_api import serving as api_serving
from tests.gateway.serving import Sender, serving, write_stream

NAMES = re.compile(r"\b(?:datastream|stream|event)_[a-z0-9_]+\b")
DASHBOARD = json.loads((DEPLOYMENTS / "grafana" / "datastream.json").read_text())
STREAM = "departures"


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def queries() -> list[str]:
    """Return everything that the dashboard asks for, for all streams."""
    found = [target["expr"] for panel in panels() for target in panel["targets"]]
    return [query.replace("$stream", ".*") for query in found]


class Both:
    """A stream that is posted to, whose file the gateway reads too, and one that was loaded from an API."""

    def __init__(self, folder: Path, world: World) -> None:
        self._posted, self._world = Catalog(folder), world

    def names(self) -> list[str]:
        return [STREAM, self._world.stream.name]

    def stream(self, name: str) -> Stream:
        return self._posted.stream(name) if name == STREAM else self._world.stream


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A lake with commits of one stream, of which much is expected."""
    folder = tmp_path_factory.mktemp("loaded")
    (folder / "orders.json").write_text(json.dumps(SUITE))
    quality = {"fresh_within": timedelta(hours=1), "quarantined_at_most": 0.05}
    with api_serving(FakeApi(orders(100))) as api:
        store = open_lake(LakeConfig(uri=(folder / "lake").as_uri()))
        world = World(api, store, folder, stream_of(quality=quality))
        world.run()
    return world


@pytest.fixture(scope="module")
def watched(loaded: World, rabbitmq_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Gateway and metrics as they run, with something of everything to tell, and a Prometheus that scrapes both."""
    folder, clock = tmp_path_factory.mktemp("watched"), SystemClock()
    write_stream(folder / "streams")
    with ExitStack() as opened:
        redis_url = opened.enter_context(valkey(folder / "valkey"))
        config = BufferConfig(url=SecretStr(redis_url))
        buffer, states = opened.enter_context(open_buffer(config)), opened.enter_context(breaker_states(config))
        rabbit = Rabbit(rabbitmq_url)
        opened.callback(rabbit.close)
        bus = RabbitBus(rabbit.config)
        opened.callback(bus.close)
        bus.check()
        catalog = Both(folder / "streams", loaded)
        parts = {
            "rabbitmq": queues(bus.depths),
            "redis": breakers(states.all, clock),
            "prefect": certificates(catalog, lambda _stream: datetime.now(UTC) + timedelta(days=1), clock),
        }

        def standings() -> list[Standing]:
            found = standings_of(catalog, lambda: loaded.store, lambda: buffer, clock)
            return [replace(standing, incidents=0) for standing in found]  # as if quality-checks had run

        registry = CollectorRegistry()
        registry.register(Figures(catalog, standings, lambda: loaded.store, parts))
        server, thread = start_http_server(0, LOOPBACK, registry)
        opened.callback(thread.join)
        opened.callback(server.server_close)
        opened.callback(server.shutdown)
        gateway = opened.enter_context(serving(buffer, folder / "streams"))
        targets = {"gateway": gateway.url.removeprefix("http://"), "streams": f"{LOOPBACK}:{server.server_port}"}
        _lose_one(gateway, redis_url)
        door = opened.enter_context(_workers())
        targets["workers"] = f"{LOOPBACK}:{door.server_port}"
        gateway.post()
        states.swap("api.example.org", None, BreakerState(failures=3, since=clock.now(), until=clock.now()))
        yield opened.enter_context(prometheus(folder, targets))


@contextmanager
def _workers() -> Iterator[Door]:
    """Serve what a supervisor tells of a pool with a run that waits and one that is under way."""
    board = Board("datastream")
    board.saw(Backlog("datastream", waiting=1, late=0, under_way=1, lanes=1, oldest=timedelta(seconds=5)))
    board.has({"busy": 1, "idle": 0, "leaving": 0}, 2)
    with Door((LOOPBACK, 0), board.text) as door:
        thread = Thread(target=door.serve_forever)
        thread.start()
        yield door
        door.shutdown()
        thread.join()


def _lose_one(gateway: Sender, redis_url: str) -> None:
    """Have the gateway take a post, and the buffer forget it."""
    gateway.post()
    assert wait_until(lambda: f'event_queue_depth{{priority="default",queue="{STREAM}:0"}} 1.0' in _told(gateway), SOON)
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    assert wait_until(lambda: "datastream_lost_estimate{" in _told(gateway), SOON)


def _told(gateway: Sender) -> str:
    return gateway.get("/metrics").text


@pytest.mark.parametrize("query", ["stream_processing_duration_count", "event_queue_depth"])
def test_the_metrics_of_the_architecture_are_found(watched: Prometheus, query: str) -> None:
    assert wait_until(lambda: watched.knows(f'{query}{{job="gateway"}}'), SOON)


def test_queues_of_the_broker_are_told_in_the_same_words(watched: Prometheus) -> None:
    assert wait_until(lambda: watched.knows('event_queue_depth{job="streams", queue="dead.letter"}'), SOON)


def test_every_target_is_up(watched: Prometheus) -> None:
    assert wait_until(lambda: len(watched.ask("up == 1")) == 3, SOON)


@pytest.mark.parametrize("query", queries())
def test_no_panel_is_dead(watched: Prometheus, query: str) -> None:
    assert wait_until(lambda: watched.knows(query), SOON)


def test_every_metric_of_the_rules_is_one_that_is_scraped(watched: Prometheus) -> None:
    rules = yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"][0]["rules"]
    named = {name for rule in rules for name in NAMES.findall(rule["expr"])}
    assert len(named) > 10
    assert wait_until(lambda: all(watched.knows(name) for name in named), SOON), named


def test_what_was_lost_fires_its_alert(watched: Prometheus) -> None:
    firing = 'ALERTS{alertname="DeliveriesLost", alertstate="firing"}'
    assert wait_until(lambda: watched.knows(firing), SOON)


def test_workers_are_scaled_by_a_number_that_is_there(watched: Prometheus) -> None:
    (scaled,) = [each for each in manifests() if each["kind"] == "ScaledObject"]
    query = scaled["spec"]["triggers"][0]["metadata"]["query"]
    assert wait_until(lambda: [sample["value"][1] for sample in watched.ask(query)] == ["2"], SOON)


def test_each_panel_has_a_place_of_its_own() -> None:
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_each_panel_says_what_it_shows_and_asks_the_chosen_server() -> None:
    for panel in panels():
        assert panel["title"], panel
        assert panel["description"].endswith("."), panel
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}, panel
