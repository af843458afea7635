"""Whatever is killed when, no record is lost and none is loaded twice."""

from pathlib import Path

import pytest

from datastream.connections import LakeConfig
from tests.fake_api import FakeApi
from tests.kills.harness import POINTS, Killer
from tests.seaweedfs import fresh_lake

KILLS = {"folder": 5, "s3": 2}


@pytest.fixture
def folder(api: FakeApi, suites: Path, tmp_path: Path) -> Killer:
    return Killer(api, suites, LakeConfig(uri=(tmp_path / "lake").as_uri()))


@pytest.fixture
def s3(api: FakeApi, suites: Path, s3_lake: LakeConfig, tmp_path: Path) -> Killer:
    return Killer(api, suites, fresh_lake(s3_lake, tmp_path.name))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("lake", KILLS)
def test_a_kill_at_any_step_loses_and_doubles_nothing(request: pytest.FixtureRequest, lake: str) -> None:
    """Before and after every step of the protocol, several times each, while the source grows."""
    killer: Killer = request.getfixturevalue(lake)
    for point in POINTS:
        killer.kill(point, KILLS[lake])
    killer.finish()
    found = killer.by_log()
    assert min(killer.kills[point] for point in POINTS) >= KILLS[lake]
    assert killer.by_glob() == (0, 0)
    assert found.problems == []
    assert found.loaded + found.quarantined == len(killer.source.records)
    assert killer.open_plans() == []


def test_the_harness_finds_names_that_are_made_up_at_random(folder: Killer) -> None:
    """With names that differ each time, what was written before the kill stays beside the repeat."""
    folder.plant = "random names"
    for point in ("file.after", "write.after", "commit.before"):
        folder.kill(point, KILLS["folder"])
    folder.finish()
    lost, doubled = folder.by_glob()
    assert lost == 0
    assert doubled > 0
    assert any("belongs to no commit" in problem for problem in folder.by_log().problems)
