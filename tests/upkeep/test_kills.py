"""Whatever step of maintenance is killed, the rows that are to stay are there once, and the next run ends the work."""

import os
import signal
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from datastream.catalog import Compact, Retention
from datastream.clock import ManualClock
from datastream.connections import LakeConfig
from datastream.lake import upkeep
from datastream.lake.lake import open_lake
from datastream.lake.live import live
from datastream.lake.tables import read
from datastream.lake.upkeep import SweepPolicy
from datastream.lake.verify import verify
from datastream.maintenance import maintain
from tests.conftest import stream_of
from tests.forks import forks
from tests.seaweedfs import fresh_lake
from tests.upkeep.kept import BEGUN, DAY, Kept

NOW = BEGUN + 30 * DAY
POINTS = [
    *(f"{name}.{side}" for name in ("expire", "compact", "rewrite.file", "file", "rewrite.commit", "sweep")
      for side in ("before", "after")),
    "sweep.file", "sweep.manifest",
]  # fmt: skip
KILLS, KILLS_ON_S3, ATTEMPTS = 3, 1, 40


@dataclass(frozen=True)
class Job:
    lake: LakeConfig
    crash_at: str
    day: int
    forgets: str = ""


def run(job: Job) -> None:
    """Maintain the stream as it is on that day, or forget one of its rows."""
    os.environ["CRASH_AT"] = job.crash_at
    store, now = open_lake(job.lake), BEGUN + job.day * DAY
    if job.forgets:
        upkeep.forget(store, "orders", {"id": job.forgets}, now, "r")
        return
    stream = stream_of().model_copy(
        update={
            "compact": Compact(after=timedelta(), target_rows=20),
            "retention": Retention(data=20 * DAY, quarantine=20 * DAY, log=20 * DAY),
        }
    )
    maintain(stream, store, run="r", clock=ManualClock(now), policy=SweepPolicy(grace=timedelta()))


@dataclass
class Killed:
    """A stream that goes on day by day, while its maintenance is killed."""

    lake: LakeConfig
    day: int = 0

    def __post_init__(self) -> None:
        self.kept = Kept(open_lake(self.lake))
        self.kills: Counter[str] = Counter()
        self.forgotten: set[int] = set()
        for _ in range(25):
            self.commit()

    def commit(self) -> None:
        start = 10 * self.day
        self.kept.commit(range(start, start + 6), range(start + 6, start + 7), at=BEGUN + self.day * DAY)
        self.day += 1

    def run(self, crash_at: str = "", forgets: str = "") -> bool:
        process = forks().Process(target=run, args=(Job(self.lake, crash_at, self.day, forgets),))
        process.start()
        process.join(60)
        assert process.exitcode in (0, -signal.SIGKILL), f"exit code {process.exitcode}"
        return process.exitcode != 0

    def check(self, oldest: int) -> None:
        """The rows that must be there are, each once; older ones may be, until a run has come to its end."""
        ids = read(self.kept.store, "orders")["id"].to_pylist()
        there = [10 * day + n for day in range(oldest, self.day) for n in range(6)]
        assert len(ids) == len(set(ids))
        assert set(there) - self.forgotten <= set(ids)
        assert self.kept.problems == []


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.full)])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> LakeConfig:
    if request.param == "s3":
        return fresh_lake(request.getfixturevalue("s3_lake"), tmp_path.name)
    return LakeConfig(uri=(tmp_path / "lake").as_uri())


@pytest.mark.timeout(300)
def test_a_kill_at_any_step_of_maintenance_loses_and_doubles_nothing(lake: LakeConfig) -> None:
    killed = Killed(lake)
    wanted = KILLS_ON_S3 if lake.folder is None else KILLS
    for point in POINTS:
        for _ in range(ATTEMPTS):
            if killed.kills[point] >= wanted:
                break
            killed.commit()
            killed.kills[point] += killed.run(f"{point}:0.5")
            killed.check(oldest=killed.day - 20)
        else:
            pytest.fail(f"{point} was hit {killed.kills[point]} times in {ATTEMPTS} runs")
    assert not killed.run()
    found = verify(killed.kept.store, "orders")
    assert (found.problems, found.commits, found.read) == ([], killed.day, 7 * killed.day)
    assert 20 * 6 <= read(killed.kept.store, "orders").num_rows <= 22 * 6, "at most a tenth late"
    assert killed.kept.parquet() == sorted(held.key for held in live(killed.kept.store, "orders").all_files)


@pytest.mark.timeout(300)
def test_a_kill_at_any_step_of_forgetting_is_made_good_by_asking_again(lake: LakeConfig) -> None:
    killed = Killed(lake)
    wanted = KILLS_ON_S3 if lake.folder is None else KILLS
    for at, point in enumerate(("rewrite.file.after", "rewrite.commit.before", "rewrite.commit.after", "sweep.file")):
        for again in range(wanted):
            number = 10 * (at * KILLS + again)
            killed.forgotten.add(number)
            assert killed.run(point, forgets=str(number))
            killed.check(oldest=0)
            killed.run(forgets=str(number))
            assert number not in read(killed.kept.store, "orders")["id"].to_pylist()
    upkeep.sweep(killed.kept.store, "orders", NOW, "r")
    assert killed.kept.parquet() == sorted(held.key for held in live(killed.kept.store, "orders").all_files)
