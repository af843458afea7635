"""A stream with rows in quarantine, and the lane by which they leave it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from datastream.lake import layout
from datastream.lake.lake import open_lake
from datastream.lane import Lane, open_lane
from datastream.quality import load_suite
from datastream.quarantine import replay_intake
from tests.conftest import World, order
from tests.seaweedfs import fresh_lake

Replaying = Callable[[], AbstractContextManager[Lane]]


@pytest.fixture
def replaying(world: World) -> Replaying:
    """Return what opens the lane of replays of the world's stream, as it is described then."""

    @contextmanager
    def opened() -> Iterator[Lane]:
        suite = load_suite(world.suites, world.stream.suite)
        with (
            replay_intake() as intake,
            open_lane(
                world.stream, suite, world.store, intake, run="replay", lane=layout.REPLAY, bus=world.bus,
                clock=world.clock,
            ) as lane,
        ):  # fmt: skip
            yield lane

    return opened


@pytest.fixture(params=["folder", "s3"])
def stored(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> World:
    """The world on a folder, and on a real S3 server."""
    if request.param == "s3":
        world.store = open_lake(fresh_lake(request.getfixturevalue("s3_lake"), tmp_path.name), world.clock)
    return world


def without_amount(*numbers: int, **changes: Any) -> list[dict[str, Any]]:
    return [order(number, amount=None, **changes) for number in numbers]
