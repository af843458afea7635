"""Kills the main job again and again, and counts what is lost and what is doubled."""

import io
import signal
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from datastream.connections import LakeConfig
from datastream.lake.lake import open_lake
from datastream.lake.verify import Verification, verify
from tests.forks import forks
from tests.kills import child
from tests.kills.sources import Api, Posts

STEPS = ("claim", "transform", "check", "decide", "write", "file", "commit", "settle")
POINTS = [f"{step}.{side}" for step in STEPS for side in ("before", "after")]
_GROWTH = 35
_ATTEMPTS = 60


@dataclass
class Killer:
    """A stream that grows while its runs are killed."""

    source: Api | Posts
    lake: LakeConfig
    suites: Path
    plant: str = ""
    kills: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._processes = forks()
        self.store = open_lake(self.lake)
        self.source.grow(400)

    def run(self, crash_at: str = "") -> bool:
        """Run once; return whether the run was killed. A run that ends in an error fails the test."""
        job = child.Job(self.suites, self.lake, **self.source.given, crash_at=crash_at, plant=self.plant)
        process = self._processes.Process(target=child.run, args=(job,))
        process.start()
        process.join(60)
        assert process.exitcode in (0, -signal.SIGKILL), f"exit code {process.exitcode}"
        return process.exitcode != 0

    def kill(self, point: str, times: int) -> None:
        """Kill runs at one point until it was hit often enough."""
        for _ in range(_ATTEMPTS):
            if self.kills[point] >= times:
                return
            self.source.grow(_GROWTH)
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
        files = [key for key in self.store.keys("") if key.endswith(".parquet")]
        there = Counter(number for key in files for number in self._ids(key))
        return self.source.count - len(there), sum(there.values()) - len(there)

    def plans(self) -> list[str]:
        """Return the plans that are left."""
        return [key for key in self.store.keys("_plans/") if key.endswith(".plan")]

    def _ids(self, key: str) -> list[int]:
        data = self.store.read(key) or b""
        return pq.read_table(io.BytesIO(data), columns=["id"], use_threads=False)["id"].to_pylist()
