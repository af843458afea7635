"""What all tests share: a small API, a lake in a folder of the test's own, and a stream that joins them."""

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from datastream.catalog import Stream
from datastream.clock import ManualClock
from datastream.connections import ApiConfig, LakeConfig
from datastream.events.contract import EventBus
from datastream.intake.api import api_intake
from datastream.lake.lake import open_lake
from datastream.lake.manifest import Manifest
from datastream.lake.store import Store
from datastream.lane import open_lane
from datastream.pipeline import drain
from datastream.quality import load_suite
from deployments.stack import rabbitmq, valkey
from deployments.stack.rabbitmq_server import RabbitMQMissing
from tests.fake_api import LOCAL, FakeApi, serving
from tests.seaweedfs import seaweedfs

LONGEST = ("chaos", "flows", "deployments", "deploying", "story", "warm", "workers", "keeper", "beyond")
"""Folders whose files take long."""
NOW = datetime(2027, 1, 1, tzinfo=UTC)
SUITE = {
    "name": "orders",
    "expectations": [
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "amount"}, "severity": "critical"},
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": "amount", "max_value": 1000},
            "severity": "warning",
        },
    ],
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long: of several workers none is left with it when the others have done."""
    items.sort(key=lambda item: item.path.parent.name not in LONGEST)


def order(number: int, **changes: Any) -> dict[str, Any]:
    """Return one record; its time grows with its number, some 20 of them a day."""
    at = f"2026-{1 + number // 560 % 12:02}-{1 + number // 20 % 28:02}T{number % 20:02}:00:00Z"
    return {"id": number, "at": at, "amount": number % 900, **changes}


def orders(count: int, start: int = 1) -> list[dict[str, Any]]:
    return [order(number) for number in range(start, start + count)]


def stream_of(**changes: Any) -> Stream:
    source = {
        "kind": "api",
        "block": {"base_url": "http://127.0.0.1:1"},
        "path": "/numbered",
        "records": "data",
        "paginate": {"kind": "page_number", "total": "total"},
        "cursor": {"field": "at", "param": "since", "initial": "2026-01-01T00:00:00Z", "lag": "PT1H"},
        **changes.pop("source", {}),
    }
    source["cursor"] = source["cursor"] and {**source["cursor"], "initial": _time(source["cursor"]["initial"])}
    fields = {
        "name": "orders",
        "key": ["id"],
        "transform": "tests.transforms:timed",
        "partition_by": {"field": "at", "grain": "day"},
        "suite": "orders",
        "batch": {"size": 100, "per_commit": 5},
        **changes,
    }
    return Stream.model_validate({**fields, "source": source})


def _time(value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(value, str) and value[:1].isdigit() else value


@dataclass
class World:
    """A stream, its API and its lake."""

    api: FakeApi
    store: Store
    suites: Path
    stream: Stream = field(default_factory=stream_of)
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    bus: EventBus | None = None
    connection: dict[str, Any] = field(default_factory=lambda: {"private_networks": LOCAL})
    """How the API is asked, besides where."""

    def run(self, name: str = "run") -> list[Manifest]:
        """Drain the stream once and return the commits that were made."""
        made: list[Manifest] = []
        config = ApiConfig(base_url=self.api.url, **self.connection)
        suite = load_suite(self.suites, self.stream.suite)
        with (
            api_intake(self.stream, config, self.clock, store=self.store) as intake,
            open_lane(self.stream, suite, self.store, intake, run=name, bus=self.bus, clock=self.clock) as lane,
        ):
            drain(lane, made.append)
        return made

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the lake."""
        from datastream.lake.reader import connect

        with connect(self.store) as connection:
            return connection.sql(sql).fetchall()


@pytest.fixture(scope="session", autouse=True)
def _hang_up() -> Iterator[None]:
    """Have processes that are started here hear of a hang-up, also where these tests must not (`nohup`)."""
    before = signal.getsignal(signal.SIGHUP)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)  # unlike what is ignored, nobody inherits it
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with serving(FakeApi()) as served:
        yield served


@pytest.fixture(scope="session")
def s3_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LakeConfig]:
    with seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as lake:
        yield lake


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture(scope="session")
def rabbitmq_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One broker for all tests: each has to name its queues and exchanges apart from others', and to delete them."""
    with ExitStack() as held:
        try:
            url = held.enter_context(rabbitmq(tmp_path_factory.mktemp("rabbitmq")))
        except RabbitMQMissing as missing:
            pytest.exit(f"The tests need a RabbitMQ server: run `make test`. {missing}")
        yield url


@pytest.fixture
def suites(tmp_path: Path) -> Path:
    folder = tmp_path / "expectations"
    folder.mkdir()
    (folder / "orders.json").write_text(json.dumps(SUITE))
    return folder


@pytest.fixture
def world(api: FakeApi, suites: Path, tmp_path: Path) -> World:
    return World(api, open_lake(LakeConfig(uri=(tmp_path / "lake").as_uri())), suites)
