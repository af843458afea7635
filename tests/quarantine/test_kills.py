"""Whatever step of a replay is killed, the same command goes on, and each row is loaded once."""

import os
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from datastream.connections import LakeConfig
from datastream.lake import layout
from datastream.lake.lake import open_lake
from datastream.lake.verify import verify
from datastream.lane import open_lane
from datastream.quality import load_suite
from datastream.quarantine import Wanted, release, replay, replay_intake
from tests.conftest import World, order, stream_of
from tests.fake_api import FakeApi
from tests.forks import forks
from tests.quarantine.conftest import without_amount

STEPS = ("check", "decide", "write", "file", "commit", "settle")
POINTS = [f"{name}.{side}" for name in STEPS for side in ("before", "after")]
KILLS, ATTEMPTS = 2, 40
HELD = "0-000000000001"


@dataclass(frozen=True)
class Job:
    lake: LakeConfig
    suites: Path
    crash_at: str


def stream():
    return stream_of(on_failure={"warning": "hold"}, batch={"size": 1, "per_commit": 2})


def run(job: Job) -> None:
    """Release what is held, and replay a mended row in three."""
    os.environ["CRASH_AT"] = job.crash_at
    store = open_lake(job.lake)
    with (
        replay_intake() as intake,
        open_lane(stream(), load_suite(job.suites, "orders"), store, intake, run="r", lane=layout.REPLAY) as lane,
    ):
        release(lane, HELD)
        replay(lane, Wanted(where="id % 3 = 0", mended={"amount": "id"}))


def killed(job: Job) -> bool:
    process = forks().Process(target=run, args=(job,))
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL), f"exit code {process.exitcode}"
    return process.exitcode != 0


@pytest.mark.timeout(300)
def test_a_kill_at_any_step_loses_and_doubles_nothing(api: FakeApi, suites: Path, tmp_path: Path) -> None:
    lake = LakeConfig(uri=(tmp_path / "lake").as_uri())
    world = World(api, open_lake(lake), suites, stream=stream())
    api.records = [order(1, amount=5000), order(2), order(3), *without_amount(4)]
    world.run()
    kills: Counter[str] = Counter()
    number = 5
    for point in POINTS:
        for _ in range(ATTEMPTS):
            if kills[point] >= KILLS:
                break
            api.records += without_amount(*range(number, number + 9))
            number += 9
            world.run()
            kills[point] += killed(Job(lake, suites, f"{point}:0.4"))
        else:
            pytest.fail(f"{point} was hit {kills[point]} times in {ATTEMPTS} runs")
    assert not killed(Job(lake, suites, ""))
    good = [1, 2, 3, *(n for n in range(5, number) if n % 3 == 0)]
    assert [row[0] for row in world.rows("select id from orders order by id")] == good
    bad = sorted({*range(4, number)} - set(good))
    assert [row[0] for row in world.rows("select id from orders_quarantine order by id")] == bad
    found = verify(world.store, "orders")
    assert (found.problems, found.loaded, found.quarantined) == ([], len(good), len(bad))
