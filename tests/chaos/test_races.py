"""Two workers on one claim, side by side at every object they create (R3): one plan, one set of files, one manifest."""

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from datastream import pipeline
from datastream.connections import ApiConfig
from datastream.intake.api import api_intake
from datastream.lake.local import LocalStore
from datastream.lake.manifest import Manifest
from datastream.lake.store import Store
from datastream.lake.verify import verify
from datastream.lane import open_lane
from datastream.quality import load_suite
from tests.conftest import World, order, stream_of
from tests.fake_api import LOCAL

ROWS, MEETING_SECONDS = 6, 0.5


class Side:
    """One worker's view of the lake: before it creates something, it waits for the other to be as far."""

    def __init__(self, store: Store, meeting: threading.Barrier) -> None:
        self._store, self._meeting, self.reads_at_once = store, meeting, store.reads_at_once

    def create(self, key: str, data: bytes) -> bool:
        self._meet()
        return self._store.create(key, data)

    def create_all(self, objects: Mapping[str, bytes]) -> set[str]:
        self._meet()
        return self._store.create_all(objects)

    def read(self, key: str) -> bytes | None:
        return self._store.read(key)

    def keys(self, prefix: str) -> Iterator[str]:
        return self._store.keys(prefix)

    def folders(self, prefix: str) -> list[str]:
        return self._store.folders(prefix)

    def delete(self, key: str) -> None:
        self._store.delete(key)

    def address(self, key: str) -> str:
        return self._store.address(key)

    def _meet(self) -> None:
        with suppress(threading.BrokenBarrierError):  # the other has nothing more to create
            self._meeting.wait(MEETING_SECONDS)


def race(world: World, folder: Path) -> list[Manifest]:
    """Let two workers take, decide and commit the same claim, and return what each of them stands behind."""
    meeting, config = threading.Barrier(2), ApiConfig(base_url=world.api.url, private_networks=LOCAL)
    suite = load_suite(world.suites, "orders")

    def work(batch: int) -> Manifest:
        stream = stream_of(batch={"size": batch, "per_commit": 10}, partition_by=None)
        store = Side(LocalStore(folder), meeting)
        with (
            api_intake(stream, config, world.clock) as intake,
            open_lane(stream, suite, store, intake, run=str(batch), clock=world.clock) as lane,
        ):
            claim = next(pipeline.claims(lane))
            held = pipeline.decide(lane, b := pipeline.transform(lane, claim), pipeline.check(lane, b))
            assert held is not None
            return pipeline.commit(lane, pipeline.write(lane, held))

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(work, (2, 3)))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("races", [10, pytest.param(200, marks=pytest.mark.full)])
def test_r3_of_two_workers_on_one_claim_one_wins_and_the_other_stands_behind_it(
    world: World, tmp_path: Path, races: int
) -> None:
    world.api.records = [order(n, amount=None if n == 1 else n) for n in range(1, ROWS + 1)]
    for number in range(races):
        folder = tmp_path / f"race-{number}"
        first, second = race(world, folder)
        assert first == second
        store = LocalStore(folder)
        found = verify(store, "orders")
        assert (found.commits, found.loaded, found.quarantined, found.problems) == (1, ROWS - 1, 1, [])
        assert len(list(store.keys("orders/data/"))) == len(first.files)
