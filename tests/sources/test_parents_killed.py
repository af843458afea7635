"""Workers of a child stream are killed at every step, while its parent goes on: every child is there, once."""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from datastream.connections import LakeConfig
from datastream.errors import DatastreamError
from datastream.lake.lake import open_lake
from datastream.lake.verify import verify
from tests.chaos.tally import STEPS
from tests.conftest import World, orders
from tests.fake_api import FakeApi
from tests.forks import forks
from tests.sources.test_parents import Shop, expected, lines

POINTS = [f"{step}.{side}" for step in STEPS if step != "file" for side in ("before", "after")]


@dataclass(frozen=True)
class Job:
    url: str
    lake: LakeConfig
    suites: Path
    crash_at: str


def drain(job: Job) -> None:
    """Drain the child stream, and die on the way."""
    os.environ["CRASH_AT"] = job.crash_at
    world = World(FakeApi(url=job.url), open_lake(job.lake), job.suites, lines())
    with suppress(DatastreamError):
        world.run()


def test_children_are_there_once_however_often_a_worker_is_killed(api: FakeApi, suites: Path, tmp_path: Path) -> None:
    lake, chance, kills = LakeConfig(uri=(tmp_path / "lake").as_uri()), 0.5, 0
    shop = Shop(World(api, open_lake(lake), suites))
    for number, point in enumerate(POINTS):
        api.records += orders(60, start=1 + 60 * number)
        shop.run_orders()
        api.pages = shop.answer
        process = forks().Process(target=drain, args=(Job(api.url, lake, suites, f"{point}:{chance}"),))
        process.start()
        process.join(60)
        assert process.exitcode in (0, -signal.SIGKILL), f"exit code {process.exitcode}"
        kills += process.exitcode != 0
    shop.run_lines()
    shop.run_lines()
    assert kills >= len(POINTS) / 2
    assert shop.rows() == expected(range(1, 60 * len(POINTS) + 1))
    found = verify(shop.world.store, "lines")
    assert found.problems == []
