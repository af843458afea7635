"""Whatever is killed when, no record is lost and none is loaded twice: read or posted, to a folder or to S3."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr

from datastream.connections import BufferConfig, LakeConfig
from tests.fake_api import FakeApi
from tests.kills.harness import POINTS, Killer
from tests.kills.sources import Api, Posts, posts
from tests.seaweedfs import fresh_lake

KILLS, KILLS_ON_S3 = 4, 1


@pytest.fixture
def source(request: pytest.FixtureRequest) -> Iterator[Api | Posts]:
    if request.param == "api":
        yield Api(request.getfixturevalue("api"))
        return
    url = request.getfixturevalue("valkey_url")
    with redis.Redis.from_url(url) as client, posts(BufferConfig(url=SecretStr(url))) as posted:
        client.flushall()
        yield posted
        client.flushall()


@pytest.fixture
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> LakeConfig:
    if request.param == "local":
        return LakeConfig(uri=(tmp_path / "lake").as_uri())
    return fresh_lake(request.getfixturevalue("s3_lake"), tmp_path.name)


WAYS = [
    ("api", "local"),
    ("webhook", "local"),
    ("webhook", "s3"),
    pytest.param("api", "s3", marks=pytest.mark.full),
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("source", "lake"), WAYS, indirect=True)
def test_a_kill_at_any_step_loses_and_doubles_nothing(source: Api | Posts, lake: LakeConfig, suites: Path) -> None:
    """Before and after every step of the protocol, several times each, while the source grows."""
    killer = Killer(source, lake, suites)
    local = lake.folder is not None
    for point in POINTS:
        killer.kill(point, KILLS if local else KILLS_ON_S3)
    killer.finish()
    found = killer.by_log()
    assert killer.by_glob() == (0, 0)
    assert found.problems == []
    assert found.loaded + found.quarantined == source.count
    assert (killer.plans(), source.left()) == ([], 0)


def test_the_harness_finds_names_that_are_made_up_at_random(api: FakeApi, suites: Path, tmp_path: Path) -> None:
    """With names that differ each time, what was written before the kill stays beside the repeat."""
    lake = LakeConfig(uri=(tmp_path / "lake").as_uri())
    killer = Killer(Api(api), lake, suites, plant="random names")
    for point in ("file.after", "write.after", "commit.before"):
        killer.kill(point, KILLS)
    killer.finish()
    lost, doubled = killer.by_glob()
    assert lost == 0
    assert doubled > 0
    assert any("belongs to no commit" in problem for problem in killer.by_log().problems)
