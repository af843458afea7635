"""Whatever is killed when, no record is lost and none is loaded twice."""

import pytest

from tests.conftest import World
from tests.kills.harness import POINTS, Killer

KILLS = 5


@pytest.fixture
def killer(world: World) -> Killer:
    return Killer(world.api, world.suites.parent)


@pytest.mark.timeout(240)
def test_a_kill_at_any_step_loses_and_doubles_nothing(killer: Killer) -> None:
    """Before and after every step of the protocol, at least five times each, while the source grows."""
    for point in POINTS:
        killer.kill(point, KILLS)
    killer.finish()
    found = killer.by_log()
    assert min(killer.kills[point] for point in POINTS) >= KILLS
    assert killer.by_glob() == (0, 0)
    assert found.problems == []
    assert found.loaded + found.quarantined == len(killer.api.records)
    assert list(killer.folder.glob("lake/_log/**/*.plan")) == []


def test_the_harness_finds_names_that_are_made_up_at_random(killer: Killer) -> None:
    """With names that differ each time, what was written before the kill stays beside the repeat."""
    killer.plant = "random names"
    for point in ("file.after", "write.after", "commit.before"):
        killer.kill(point, KILLS)
    killer.finish()
    lost, doubled = killer.by_glob()
    assert lost == 0
    assert doubled > 0
    assert any("belongs to no commit" in problem for problem in killer.by_log().problems)
