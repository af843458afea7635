"""A real Prefect server for the tests of flows, started once, and a project that runs against it."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from datastream.catalog import Catalog
from datastream.clock import ManualClock
from datastream.connections import LakeConfig
from datastream.lake.lake import open_lake
from deployments.stack import prefect_server, valkey
from tests.commands import DATASTREAM, by_itself, run, run_code
from tests.conftest import SUITE, World
from tests.fake_api import FakeApi, serving
from tests.prefect_api import ask

ROOT = Path(__file__).resolve().parents[2]
STREAM = """
name: orders
source:
  kind: api
  block: {base_url: "%s", private_networks: [127.0.0.1]}
  path: /numbered
  records: data
  paginate: {kind: page_number, total: total}
  cursor: {field: at, param: since, initial: 2026-01-01T00:00:00Z, lag: PT1H}
key: [id]
transform: tests.transforms:timed
partition_by: {field: at}
suite: orders
batch: {size: 100, per_commit: 5}
"""


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with prefect_server(tmp_path_factory.mktemp("prefect")) as url:
        yield url


@pytest.fixture
def prefect(prefect_api: str, tmp_path: Path) -> dict[str, str]:
    return {
        "PREFECT_API_URL": prefect_api, "PREFECT_HOME": str(tmp_path / "prefect"), "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    }  # fmt: skip


def python(env: dict[str, str], *code: str) -> list[str]:
    """Run code in a process of its own, since Prefect reads its settings once, and return what it printed."""
    done = run_code("\n".join(code), env={**os.environ, **env})
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    with valkey(tmp_path / "valkey") as url:
        yield url


@dataclass
class Project:
    """A project of its own, with one stream."""

    folder: Path
    prefect_api: str
    redis_url: str

    def run(self, *words: str, flow: str = "etl_pipeline", **env: str) -> subprocess.CompletedProcess[str]:
        """Run a flow by hand, as a person would."""
        return run(f"flows.{flow}", *(words or ["orders"]), env={**os.environ, **self.environment, **env})

    def by_itself(self, flow: str) -> subprocess.CompletedProcess[str]:
        """Run it in a process that loads what it needs itself."""
        return by_itself(f"flows.{flow}", "orders", env={**os.environ, **self.environment})

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `datastream` in it."""
        return run(DATASTREAM, *words, env={**os.environ, **self.environment})

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PREFECT_API_URL": self.prefect_api,
            "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
            "DO_NOT_TRACK": "1",
            "DATASTREAM_PROJECT": str(self.folder),
            "DATASTREAM_REDIS_URL": self.redis_url,
            "DATASTREAM_LAKE_URI": (self.folder / "lake").as_uri(),
        }

    def ask(self, path: str, **wanted: Any) -> Any:
        """Ask the Prefect server."""
        return ask("POST", f"{self.prefect_api}{path}", wanted)

    @property
    def last_run(self) -> dict[str, Any]:
        """The flow run that started last."""
        [run] = self.ask("/flow_runs/filter", sort="START_TIME_DESC", limit=1)
        return run

    @property
    def artifacts(self) -> dict[str, dict[str, Any]]:
        """What that run shows, by key."""
        found = self.ask("/artifacts/filter", artifacts={"flow_run_id": {"any_": [self.last_run["id"]]}})
        return {artifact["key"]: artifact for artifact in found}

    def load(self, *records: dict[str, Any]) -> None:
        """Commit these records now, without Prefect."""
        with serving(FakeApi(list(records))) as api:
            stream = Catalog(self.folder / "streams").stream("orders")
            store = open_lake(LakeConfig(uri=(self.folder / "lake").as_uri()))
            World(api, store, self.folder / "expectations", stream=stream, clock=ManualClock(datetime.now(UTC))).run()

    def stream(self, old: str, new: str) -> None:
        """Change the stream file."""
        file = self.folder / "streams" / "orders.yaml"
        file.write_text(file.read_text().replace(old, new))


@pytest.fixture
def project(tmp_path: Path, api: FakeApi, prefect_api: str, redis_url: str) -> Project:
    for name in ("streams", "expectations"):
        (tmp_path / name).mkdir()
    (tmp_path / "streams" / "orders.yaml").write_text(STREAM % api.url)
    (tmp_path / "expectations" / "orders.json").write_text(json.dumps(SUITE))
    return Project(tmp_path, prefect_api, redis_url)
