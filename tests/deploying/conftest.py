"""A Prefect server, and a project whose deployments nobody else has: flows, a pool and a block of its own."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from deployments.stack import prefect_server
from tests.commands import DATASTREAM, run, run_code
from tests.prefect_api import ask

FLOWS = """
from prefect import flow
from blocks import DataLake


@flow(name="load-{id}")
def load(size: int, lake: DataLake | None = None, where: str = "here") -> None:
    "Load."


@flow(name="look-{id}")
def look(size: int = 1) -> None:
    "Look."
"""
FILE = """# ours, by hand
definitions:
  pool: &pool {{name: {pool}, work_queue_name: default}}
  lake: &lake {{$ref: {{block_document_slug: data-lake/{id}}}}}
pull: []
deployments:
  - name: orders   # a comment
    entrypoint: jobs{id}.load
    parameters: {{size: 1, lake: *lake}}
    work_pool: *pool
    schedules: [{{interval: 300, anchor_date: "2026-01-01T00:00:00Z", slug: often}}]
  - name: orders
    entrypoint: jobs{id}.look
    work_pool: *pool
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deploying")


@pytest.fixture(scope="session")
def api(folder: Path) -> Iterator[str]:
    with prefect_server(folder) as url:
        yield url


@dataclass
class Deploying:
    """A project to be deployed."""

    folder: Path
    api: str
    id: str

    @property
    def pool(self) -> str:
        return f"pool-{self.id}"

    @property
    def file(self) -> Path:
        return self.folder / "prefect.yaml"

    @property
    def env(self) -> dict[str, str]:
        return {
            **os.environ, "PREFECT_API_URL": self.api, "PREFECT_HOME": str(self.folder / "home"), "DO_NOT_TRACK": "1",
            "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false", "DATASTREAM_PROJECT": str(self.folder), "COLUMNS": "160",
            "DATASTREAM_LAKE_URI": (self.folder / "lake").as_uri(),
        }  # fmt: skip

    def __call__(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run `datastream deploy`."""
        done = run(DATASTREAM, "deploy", *words, env={**self.env, **env})
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def json(self, *words: str) -> Any:
        done = self(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def edit(self, old: str, new: str) -> None:
        text = self.file.read_text()
        assert old in text
        self.file.write_text(text.replace(old, new))

    def ask(self, method: str, path: str, **body: Any) -> Any:
        return ask(method, f"{self.api}{path}", body if method != "GET" else None)

    def deployed(self) -> dict[str, dict[str, Any]]:
        """What the server has of ours, without the moments at which it was touched."""
        found = self.ask("POST", "/deployments/filter", work_pools={"name": {"any_": [self.pool]}})
        for each in found:
            each["schedules"].sort(key=lambda schedule: (str(schedule["slug"]), schedule["id"]))
        flows = {flow["id"]: flow["name"] for flow in self.ask("POST", "/flows/filter")}
        return {f"{flows[each['flow_id']]}/{each['name']}": timeless(each) for each in found}

    def one(self, flow: str = "load", name: str = "orders") -> dict[str, Any]:
        return self.deployed()[f"{flow}-{self.id}/{name}"]

    def python(self, *code: str) -> None:
        done = run_code("\n".join(code), env=self.env)
        assert done.returncode == 0, done.stderr


def timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: timeless(each) for key, each in value.items() if key not in ("updated", "last_polled", "status")}
    return [timeless(each) for each in value] if isinstance(value, list) else value


@pytest.fixture
def project(api: str, tmp_path: Path) -> Deploying:
    made = Deploying(tmp_path, api, uuid4().hex[:8])
    for name in ("streams", "expectations"):
        (tmp_path / name).mkdir()
    (tmp_path / f"jobs{made.id}.py").write_text(FLOWS.format(id=made.id))
    made.file.write_text(FILE.format(id=made.id, pool=made.pool))
    made.ask("POST", "/work_pools/", name=made.pool, type="process", base_job_template=TEMPLATE)
    made.python("from blocks import DataLake", f"DataLake(uri='file:///tmp/x').save('{made.id}')")
    return made


TEMPLATE = {
    "job_configuration": {"command": "{{ command }}", "env": "{{ env }}"},
    "variables": {
        "type": "object",
        "properties": {
            "command": {"type": "string", "default": ""},
            "env": {"type": "object", "additionalProperties": {"type": "string"}, "default": {}},
        },
    },
}
