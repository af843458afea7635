"""The story is told twice: with the lake in a folder, and on S3."""

from pathlib import Path

import pytest

from datastream.clock import ManualClock
from datastream.connections import LakeConfig
from datastream.lake.lake import open_lake
from datastream.lake.store import MemoryStore
from tests.conftest import NOW, World, orders, stream_of
from tests.fake_api import FakeApi
from tests.seaweedfs import fresh_lake
from tests.story.filling import Filling, answers, cut_stream
from tests.story.snapshots import REPLACED


@pytest.fixture(params=["folder", "s3"])
def world(request: pytest.FixtureRequest, api: FakeApi, suites: Path, tmp_path: Path) -> World:
    clock = ManualClock(NOW)
    if request.param == "s3":
        lake = fresh_lake(request.getfixturevalue("s3_lake"), tmp_path.name)
    else:
        lake = LakeConfig(uri=(tmp_path / "lake").as_uri())
    return World(api, open_lake(lake, clock), suites, clock=clock)


@pytest.fixture(params=["memory", "folder", pytest.param("s3", marks=pytest.mark.full)])
def mirrored(request: pytest.FixtureRequest, api: FakeApi, suites: Path, tmp_path: Path) -> World:
    """A stream that is replaced by each pass."""
    clock = ManualClock(NOW)
    if request.param == "memory":
        return World(api, MemoryStore(), suites, stream_of(**REPLACED), clock)
    if request.param == "s3":
        lake = fresh_lake(request.getfixturevalue("s3_lake"), tmp_path.name)
    else:
        lake = LakeConfig(uri=(tmp_path / "lake").as_uri())
    return World(api, open_lake(lake, clock), suites, stream_of(**REPLACED), clock)


@pytest.fixture
def filling(world: World) -> Filling:
    """20 records a day of January 2026, of an API that knows a window's end and keeps to it."""
    world.stream, world.api.records = cut_stream(), orders(560)
    world.api.pages = answers(world.api)
    return Filling(world)
