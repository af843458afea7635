"""One stream, one lake, and workers that are killed round after round while the stream grows.

What befalls them is chosen by chance from a seed; how the machine then runs them is its own affair.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import sleep
from typing import Any

from datastream.connections import LakeConfig
from datastream.lake.store import Store
from tests.chaos.child import Job
from tests.chaos.deploys import DEPLOYS, Deploy
from tests.chaos.ledger import Ledger
from tests.chaos.notes import Notes
from tests.chaos.server import Valkey
from tests.chaos.sources import Api, Posts
from tests.chaos.tally import POINTS, Tally
from tests.chaos.worker import Worker
from tests.proxy import Proxy

_GROWTH = (20, 60)
_AT_ONCE = 0.6
"""So often a worker dies at its first visit to a point; else at a later one, or not at all."""


@dataclass
class Campaign:
    """A stream under fire. `lake` is what workers are given; `store` is the way past all faults."""

    kind: str
    """The kind of lake: local or s3."""
    source: Api | Posts
    ledger: Ledger
    lake: LakeConfig
    store: Store
    server: Valkey
    suites: Path
    notes: Notes
    notes_path: Path
    chance: random.Random
    tally: Tally
    proxy: Proxy | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    disk: Path | None = None
    """A small file system of the lake's own, which can be filled."""
    plant: str = ""
    deploys: Sequence[Deploy] = DEPLOYS
    deploy: Deploy = DEPLOYS[0]

    def round(self, fault: Callable[["Campaign"], None]) -> None:
        """Let the stream grow, deploy something else at times, and let one fault happen."""
        if self.proxy:
            self.proxy.shares = dict(self.shares)
        if self.chance.random() < 0.5:
            self.deploy = self.chance.choice(self.deploys)
        self.source.settle()
        self.source.grow(self.chance.randint(*_GROWTH))
        self.tally.faults[fault.__name__.replace("_", " ")] += 1
        fault(self)

    def job(self, *, crash: float = 0, leased: bool = False, surely: bool = False, **changes: Any) -> Job:
        """Return what a worker is given. With a chance it has to die at a point that killed few, or `surely`."""
        job = Job(
            deploy=self.deploy, suites=self.suites, source=self.source.spec, lake=self.lake, notes=self.notes_path,
            seed=self.chance.randrange(2**32), leases=self.server.config if leased else None, plant=self.plant,
            **self.source.given,
        )  # fmt: skip
        if crash and self.chance.random() < crash:
            share = 1 if surely or self.chance.random() < _AT_ONCE else self.chance.uniform(0.3, 1)
            changes = {"crash_at": f"{self._rare_point()}:{share:.2f}", **changes}
        return replace(job, **changes)

    def start(self, *jobs: Job) -> list[Worker]:
        """Start workers, one a little after the other."""
        workers = []
        for job in jobs:
            workers.append(Worker(job))
            sleep(self.chance.uniform(0, 0.03))
        return workers

    def end(self, workers: Sequence[Worker]) -> list[str]:
        """Wait until workers have ended, and count how."""
        ends = [worker.ended() for worker in workers]
        self.tally.ends.update(ends)
        for worker, end in zip(workers, ends, strict=True):
            if end == "killed":
                self.tally.kills[self.kind, worker.job.crash_at.partition(":")[0]] += 1
            elif end not in ("done", "gave up", "broke"):
                self.tally.problems.append(f"A worker was {end}: {worker.job}")
        return ends

    def trickle(self, workers: Sequence[Worker]) -> None:
        """Let the stream grow a little while workers run."""
        for _ in range(3):
            sleep(self.chance.uniform(0, 0.06))
            if any(worker.alive for worker in workers):
                self.source.grow(self.chance.randint(1, 6))

    def _rare_point(self) -> str:
        rare = sorted(POINTS, key=lambda point: (self.tally.hits(point, self.kind), self.chance.random()))
        return self.chance.choice(rare[:3])


def full(disk: Path) -> Path:
    """Fill a file system to its last bytes, and return the file that does."""
    filler = disk / "filler"
    with suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(b"\0" * 65536)
            file.flush()
    return filler
