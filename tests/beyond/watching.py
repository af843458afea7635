"""A real Prometheus that scrapes what a test serves, by the project's own configuration."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from deployments.stack.ports import LOOPBACK, reserved
from deployments.stack.waiting import wait_until
from tests.beyond.described import DEPLOYMENTS

FOLDER = DEPLOYMENTS / "prometheus"
SOON = timedelta(seconds=60)


@dataclass(frozen=True)
class Prometheus:
    """One that runs."""

    url: str

    def ask(self, query: str) -> list[dict[str, Any]]:
        """Return the samples of a query. An error of it fails the test."""
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": query}).json()
        assert answer["status"] == "success", (query, answer)
        return answer["data"]["result"]

    def knows(self, query: str) -> bool:
        return bool(self.ask(query))

    def get(self, path: str) -> Any:
        return httpx.get(f"{self.url}/api/v1/{path}").json()["data"]

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/ready").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


@contextmanager
def prometheus(folder: Path, targets: Mapping[str, str]) -> Iterator[Prometheus]:
    """Run one until the block is left; `targets` takes the place of the names that only a network of containers has."""
    if shutil.which("prometheus") is None:
        pytest.exit("The tests need Prometheus: run `make test`.")
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    config["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
    for job in config["scrape_configs"]:
        del job["dns_sd_configs"]
        job.pop("scrape_timeout", None)  # longer than this interval
        job["static_configs"] = [{"targets": [targets[job["job_name"]]]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    shutil.copy(FOLDER / "rules.yml", folder)
    with reserved(19_090) as port, (folder / "prometheus.log").open("wb") as log:
        command = [
            "prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={LOOPBACK}:{port}",
        ]  # fmt: skip
        with subprocess.Popen(command, stdout=log, stderr=log) as process:
            running = Prometheus(f"http://{LOOPBACK}:{port}")
            try:
                assert wait_until(running.answers, SOON), (folder / "prometheus.log").read_text()
                yield running
            finally:
                process.terminate()
