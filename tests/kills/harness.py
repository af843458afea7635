"""Kills the main job again and again, and counts what is lost and what is doubled."""

import io
import multiprocessing
import signal
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from datastream.connections import ApiConfig, LakeConfig
from datastream.lake.lake import open_lake
from datastream.lake.store import Store
from datastream.lake.verify import Verification, verify
from tests.conftest import order
from tests.fake_api import FakeApi
from tests.kills import child

STEPS = ("claim", "transform", "check", "decide", "write", "file", "commit", "settle")
POINTS = [f"{step}.{side}" for step in STEPS for side in ("before", "after")]
_GROWTH = 35
_ATTEMPTS = 60


@dataclass
class Killer:
    """A stream that grows while its runs are killed, and the lake it is loaded to."""

    source: FakeApi
    suites: Path
    lake: LakeConfig
    plant: str = ""
    kills: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload(["tests.kills.child"])
        self.grow(400)

    @property
    def store(self) -> Store:
        return open_lake(self.lake)

    def grow(self, count: int) -> None:
        """Let the source have new records, some of them bad."""
        records = self.source.records
        start = len(records) + 1
        records += [order(n, **({"amount": None} if n % 17 == 0 else {})) for n in range(start, start + count)]

    def run(self, crash_at: str = "") -> bool:
        """Run once; return whether the run was killed. A run that ends in an error fails the test."""
        arguments = (ApiConfig(base_url=self.source.url), self.suites, self.lake, crash_at, self.plant)
        process = self._processes.Process(target=child.run, args=arguments)
        process.start()
        process.join(60)
        assert process.exitcode in (0, -signal.SIGKILL), f"exit code {process.exitcode}"
        return process.exitcode != 0

    def kill(self, point: str, times: int) -> None:
        """Kill runs at one point until it was hit often enough."""
        for _ in range(_ATTEMPTS):
            if self.kills[point] >= times:
                return
            self.grow(_GROWTH)
            self.kills[point] += self.run(f"{point}:0.4")
        raise AssertionError(f"{point} was hit {self.kills[point]} times in {_ATTEMPTS} runs")

    def finish(self) -> None:
        """Let the stream be drained in peace."""
        assert not self.run()

    def by_log(self) -> Verification:
        """Recount the lake against its log."""
        return verify(self.store, "orders")

    def by_glob(self) -> tuple[int, int]:
        """Return how many records are lost and how many stand twice, by reading every Parquet file there is."""
        store, there = self.store, Counter[int]()
        for folder in ("orders/data/", "_quarantine/orders/"):
            for key in store.keys(folder):
                file = io.BytesIO(store.read(key) or b"")
                there.update(pq.read_table(file, columns=["id"], use_threads=False)["id"].to_pylist())
        wanted = {row["id"] for row in self.source.records}
        return len(wanted - there.keys()), sum(there.values()) - len(there)

    def open_plans(self) -> list[str]:
        """Return the plans that wait to be committed."""
        return [key for key in self.store.keys("_log/") if key.endswith(".plan")]
