"""Whatever befalls workers, buffer and store: no record is lost, none is loaded twice, and no file is half written.

A campaign holds these rows of the reliability plan: R1 (kills at every step), R2 (sleepers past their lease), R3 (two
workers on one lane), R4 (another deploy between two attempts), R12 (a buffer that is emptied or put back), R23 (late
records lie under their own time), R29 (answers that are lost), R32 (a full disk), R33 (a reader all the while) and
R42 (an API that changes while it is read).
"""

import json
from pathlib import Path

import pytest

from datastream.connections import LakeConfig
from tests.chaos import judge, reader, ways
from tests.chaos.__main__ import figures
from tests.chaos.faults import (
    EACH,
    Fault,
    a_buffer_emptied,
    a_crowd,
    a_late_sleeper,
    a_lost_answer,
    a_sleep_of_many,
)
from tests.chaos.run import FOLDER, S3, Chaos, Front
from tests.chaos.tally import SOMETIMES, Tally
from tests.chaos.ways import Way

ROUNDS = 80
SOME = (a_lost_answer, a_late_sleeper, a_sleep_of_many, a_buffer_emptied)
WAYS = [
    pytest.param(Way("api", "local"), 2, EACH, id="api to a folder"),
    pytest.param(Way("spans", "local"), 1, SOME, id="spans of an API to a folder"),
    pytest.param(Way("webhook", "local"), 2, EACH, id="webhooks to a folder"),
    pytest.param(Way("webhook", "s3"), 1, SOME, id="webhooks to S3"),
    pytest.param(Way("api", "s3"), 2, EACH, id="api to S3", marks=pytest.mark.full),
]


@pytest.fixture
def s3(request: pytest.FixtureRequest) -> LakeConfig | None:
    way: Way = request.getfixturevalue("way")
    lake: LakeConfig | None = request.getfixturevalue("s3_lake") if way.lake == "s3" else None
    return lake


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("way", "hits", "faults"), WAYS)
def test_every_fault_and_a_kill_at_every_step_lose_and_double_nothing(
    way: Way, hits: int, faults: tuple[Fault, ...], s3: LakeConfig | None, tmp_path: Path
) -> None:
    """R1, R2, R3, R4, R12, R23, R29, R32 and R33: kills at every point of the protocol, then each fault once."""
    tally, folder = Tally(), tmp_path / tmp_path.name
    with ways.campaign(way, folder, s3, tally, seed=tmp_path.name) as campaign:
        with ways.watched(campaign, folder) as findings:
            while tally.fewest(way.lake) < hits and tally.faults.total() < ROUNDS:
                campaign.round(a_crowd)
            for fault in faults:
                campaign.round(fault)
        judge.finish(campaign, reader.found(findings))
    assert tally.problems == []
    assert (tally.lost, tally.duplicated, tally.unreadable) == (0, 0, 0)
    assert tally.fewest(way.lake) >= hits


@pytest.mark.full
@pytest.mark.timeout(300)
def test_a_short_run_sees_every_path_and_says_so_in_json(tmp_path: Path) -> None:
    fronts = {"local": Front(FOLDER, rounds=20, hits=1, seconds=60), "s3": Front(S3[:1], rounds=len(EACH))}
    tally = Chaos(fronts, seed=1, folder=tmp_path).run(lambda _: None)
    assert tally.problems == []
    assert min(tally.paths[path] for path in SOMETIMES) >= 1
    said = json.loads(figures(tally, 1, 2.0))
    assert list(said)[:5] == ["records", "kills", "lost", "duplicated", "unreadable"]
    assert (said["lost"], said["duplicated"], said["unreadable"]) == (0, 0, 0)
