"""Whatever step of a backfill is killed, the same command goes on, and nothing is lost or loaded twice."""

import os
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from datastream.connections import LakeConfig
from datastream.lake.lake import open_lake
from tests.conftest import World, orders
from tests.fake_api import FakeApi
from tests.forks import forks
from tests.story.filling import Filling, answers, cut_stream

STEPS = ("claim", "transform", "check", "decide", "write", "file", "commit", "settle")
POINTS = [f"{name}.{side}" for name in STEPS for side in ("before", "after")]
UNTIL = "2026-01-10"
KILLS, ATTEMPTS = 2, 40


@dataclass(frozen=True)
class Job:
    lake: LakeConfig
    suites: Path
    url: str
    crash_at: str
    again: bool


def stream():
    return cut_stream(batch={"size": 4, "per_commit": 2})


def run(job: Job) -> None:
    """Do what the command does, and then what a run of the stream does."""
    os.environ["CRASH_AT"] = job.crash_at
    world = World(FakeApi(url=job.url), open_lake(job.lake), job.suites, stream=stream())
    filling = Filling(world)
    filling.fill(until=UNTIL, again=job.again)
    world.run()


def killed(job: Job) -> bool:
    process = forks().Process(target=run, args=(job,))
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL), f"exit code {process.exitcode}"
    return process.exitcode != 0


@pytest.mark.timeout(300)
def test_a_kill_at_any_step_loses_and_doubles_nothing(api: FakeApi, suites: Path, tmp_path: Path) -> None:
    """The API ignores what it is asked for, so each lane meets the others' records all the time."""
    lake = LakeConfig(uri=(tmp_path / "lake").as_uri())
    world = World(api, open_lake(lake), suites, stream=stream())
    api.pages, api.page_size = answers(api, since=False, until=False), 40
    api.records = orders(200)
    kills: Counter[str] = Counter()
    for point in POINTS:
        for _ in range(ATTEMPTS):
            if kills[point] >= KILLS:
                break
            api.records = orders(len(api.records) + 1)
            kills[point] += killed(Job(lake, suites, api.url, f"{point}:0.1", again=True))
        else:
            pytest.fail(f"{point} was hit {kills[point]} times in {ATTEMPTS} runs")
    assert not killed(Job(lake, suites, api.url, "", again=True))
    filling = Filling(world)
    assert filling.in_progress == ()
    assert filling.ids == list(range(1, len(api.records) + 1))
    assert filling.verified().loaded == len(api.records)
