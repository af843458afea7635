"""Whatever step of a pass is killed, readers see one whole snapshot after it, and the next run ends the pass."""

import os
import signal
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from datastream.catalog import Retention
from datastream.clock import ManualClock
from datastream.connections import LakeConfig
from datastream.lake.lake import open_lake
from datastream.lake.live import live
from datastream.lake.store import MemoryStore, Store
from datastream.lake.tables import read
from datastream.lake.upkeep import SweepPolicy
from datastream.lake.verify import verify
from datastream.maintenance import maintain
from datastream.observe import crash
from tests.conftest import NOW, World, order, stream_of
from tests.fake_api import FakeApi
from tests.forks import forks
from tests.seaweedfs import fresh_lake

STEPS = ("claim", "transform", "check", "decide", "write", "commit", "settle")
POINTS = [f"{name}.{side}" for name in STEPS for side in ("before", "after")]
POINTS_ON_S3 = ["claim.after", "file.after", "commit.before", "commit.after"]
ATTEMPTS = 40
HELD = 100
"""Records of each snapshot: three commits, and more than half of them stand in the next one too."""


class Killed(BaseException):
    """What stands for a kill where the lake lives no longer than its process."""


def snapshot(number: int) -> list[dict[str, Any]]:
    return [order(n, amount=number) for n in range(40 * number, 40 * number + HELD)]


@dataclass(frozen=True)
class Job:
    lake: LakeConfig
    url: str
    suites: Path
    crash_at: str
    day: int


def pass_of(store: Store, url: str, suites: Path, day: int) -> World:
    stream = stream_of(load="replace", source={"cursor": None}, batch={"size": 20, "per_commit": 2})
    clock = ManualClock(NOW + timedelta(days=day))
    return World(FakeApi(url=url), store, suites, stream, clock)


def run(job: Job) -> None:
    os.environ["CRASH_AT"] = job.crash_at
    pass_of(open_lake(job.lake), job.url, job.suites, job.day).run()


@dataclass
class Mirrored:
    """A source that changes once a day, and is mirrored by runs that are killed; the lake is kept up meanwhile."""

    store: Store
    api: FakeApi
    day: int = 0

    def next_day(self) -> None:
        self.day += 1
        self.api.page_size, self.api.records = 20, snapshot(self.day)

    @property
    def seen(self) -> int:
        """The number of the snapshot that readers see: one, whole, and each record once. 0 if it is none yet."""
        rows = read(self.store, "orders").select(["id", "amount"]).to_pylist() if self.store.folders("_log/") else []
        number: int = rows[0]["amount"] if rows else 0
        assert sorted(row["id"] for row in rows) == [row["id"] for row in (snapshot(number) if number else [])]
        assert {row["amount"] for row in rows} <= {number}
        return number

    def look(self, *, done: bool) -> None:
        """Look as a reader, keep up with no mercy for old files, and look again."""
        if not self.store.folders("_log/"):
            return
        assert self.seen == self.day or (not done and self.seen == self.day - 1)
        kept = {"retention": Retention(data=timedelta(microseconds=1), quarantine=timedelta(microseconds=1))}
        stream = stream_of().model_copy(update=kept)
        clock = ManualClock(NOW + timedelta(days=self.day, hours=1))
        maintain(stream, self.store, run="r", clock=clock, policy=SweepPolicy(grace=timedelta()))
        assert self.seen == self.day or (not done and self.seen == self.day - 1)
        assert verify(self.store, "orders").problems == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("where", ["folder", pytest.param("s3", marks=pytest.mark.full)])
def test_a_kill_at_any_step_shows_one_whole_snapshot(
    where: str, request: pytest.FixtureRequest, api: FakeApi, suites: Path, tmp_path: Path
) -> None:
    uri = LakeConfig(uri=(tmp_path / "lake").as_uri())
    lake = fresh_lake(request.getfixturevalue("s3_lake"), tmp_path.name) if where == "s3" else uri
    mirrored, kills = Mirrored(open_lake(lake), api), Counter[str]()
    for point in POINTS_ON_S3 if where == "s3" else (*POINTS, "file.before", "file.after"):
        for _ in range(ATTEMPTS):
            if kills[point]:
                break
            mirrored.next_day()
            killed = True
            while killed:
                process = forks().Process(target=run, args=(Job(lake, api.url, suites, f"{point}:0.4", mirrored.day),))
                process.start()
                process.join(60)
                assert process.exitcode in (0, -signal.SIGKILL), f"exit code {process.exitcode}"
                killed = process.exitcode != 0
                kills[point] += killed
                mirrored.look(done=not killed)
        else:
            pytest.fail(f"{point} was hit {kills[point]} times in {ATTEMPTS} passes")
    counting = sorted(held.key for held in live(mirrored.store, "orders").all_files)
    assert sorted(key for key in mirrored.store.keys("") if key.endswith(".parquet")) == counting


@pytest.mark.full
def test_the_same_holds_in_memory(api: FakeApi, suites: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step of every claim in turn, and nothing by chance."""
    mirrored, store = Mirrored(MemoryStore(), api), MemoryStore()
    mirrored.store = store
    for point in POINTS:
        for nth in (1, 2, 3):
            mirrored.next_day()
            left = [nth]

            def die(name: str, point: str = point, left: list[int] = left) -> None:
                left[0] -= name == point
                if name == point and left[0] == 0:
                    raise Killed(name)

            monkeypatch.setattr(crash, "crash_point", die)
            with pytest.raises(Killed):
                pass_of(store, api.url, suites, mirrored.day).run()
            monkeypatch.undo()
            mirrored.look(done=point in ("commit.after", "settle.before", "settle.after") and nth == 3)
            pass_of(store, api.url, suites, mirrored.day).run()
            mirrored.look(done=True)
