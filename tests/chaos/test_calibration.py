"""The harness finds planted bugs; a harness that finds nothing has to be one that could.

Each story is told twice: with the bug, which has to be found, and without it, where nothing may be found.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos import judge, ways
from tests.chaos.campaign import Campaign
from tests.chaos.deploys import DEPLOYS
from tests.chaos.tally import Tally
from tests.chaos.ways import Way

Story = Callable[[Campaign], None]


def killed(campaign: Campaign, point: str) -> None:
    """Have a worker killed at its first visit to a point, and something else deployed."""
    assert campaign.end(campaign.start(campaign.job(crash_at=f"{point}:1"))) == ["killed"]
    campaign.deploy = DEPLOYS[1]


def before_the_commit(campaign: Campaign) -> None:
    killed(campaign, "commit.before")


def behind_the_first_commit(campaign: Campaign) -> None:
    """Its window is open, and its API answers in no order."""
    killed(campaign, "settle.after")


def asleep_past_the_lease(campaign: Campaign) -> None:
    """Deciding takes long, the lease is short, and meanwhile another worker commits, with other batches."""
    [sleeper] = campaign.start(campaign.job(leased=True, stop_at=("decide.before", 1)))
    assert sleeper.falls_asleep()
    campaign.deploy = DEPLOYS[1]
    assert campaign.end(campaign.start(campaign.job(leased=True))) == ["done"]
    sleeper.wake()
    campaign.end([sleeper])


def told(folder: Path, source: str, story: Story, plant: str = "") -> Tally:
    """Tell a story to a campaign, and judge it."""
    tally = Tally()
    with ways.campaign(Way(source, "local"), folder / "campaign", None, tally, seed=1, plant=plant) as campaign:
        story(campaign)
        judge.finish(campaign)
    return tally


BUGS = [
    ("random names", "webhook", before_the_commit, "belongs to no commit"),
    ("own verdict", "webhook", before_the_commit, "FileConflict"),
    ("eager cursor", "api", behind_the_first_commit, "[1-9][0-9]* lost"),
    ("blind decision", "webhook", asleep_past_the_lease, "Conflict"),
]


@pytest.mark.parametrize(("plant", "source", "story", "said"), BUGS, ids=[bug[0] for bug in BUGS])
def test_a_planted_bug_is_found(tmp_path: Path, plant: str, source: str, story: Story, said: str) -> None:
    tally = told(tmp_path, source, story, plant)
    assert not tally.clean
    assert re.search(said, f"{tally.lost} lost, {tally.duplicated} doubled, {tally.problems}")


@pytest.mark.parametrize(("source", "story"), dict.fromkeys(bug[1:3] for bug in BUGS))
def test_without_the_bug_nothing_is_found(tmp_path: Path, source: str, story: Story) -> None:
    tally = told(tmp_path, source, story)
    assert tally.problems == []
    assert tally.clean
