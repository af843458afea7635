"""Stores that do not keep their word: S3 without If-None-Match (R30), an upload that is torn (R31), and a disk that is
full or broken (R32). Nothing is ever visible in part, and when the fault has passed the lane goes on.
"""

import errno
import os
from pathlib import Path

import pytest

from datastream.clock import ManualClock
from datastream.connections import LakeConfig
from datastream.errors import Transient
from datastream.lake import layout
from datastream.lake.local import LocalStore
from datastream.lake.s3 import S3Store
from datastream.lake.store import LakeUnusable
from datastream.lake.verify import verify
from tests.chaos import judge, reader, ways
from tests.chaos.faults import a_full_disk
from tests.chaos.tally import Tally
from tests.chaos.ways import Way
from tests.conftest import World, orders
from tests.proxy import between
from tests.seaweedfs import fresh_lake


@pytest.mark.parametrize("new", [True, False], ids=["a new lake", "a lake with data"])
def test_r30_a_store_that_ignores_the_condition_is_refused(s3_lake: LakeConfig, tmp_path: Path, *, new: bool) -> None:
    lake = fresh_lake(s3_lake, tmp_path.name)
    if new:
        S3Store(lake).delete(layout.PROOF)
    with between(lake.endpoint) as proxy:
        proxy.overwrites = True
        store = S3Store(lake.model_copy(update={"endpoint": proxy.url}), ManualClock())
        with pytest.raises(LakeUnusable, match="does not honour If-None-Match"):
            store.create("orders/data/0-000000000001-0000.parquet", b"rows")
    assert not [key for key in S3Store(lake).keys("") if key.endswith(".parquet")]


def test_r31_an_upload_that_is_torn_is_not_there(s3_lake: LakeConfig, tmp_path: Path) -> None:
    lake = fresh_lake(s3_lake, tmp_path.name)
    with between(lake.endpoint) as proxy:
        store = S3Store(lake.model_copy(update={"endpoint": proxy.url}), ManualClock())
        store.create("first", b"")
        proxy.shares = {"torn": 1.0}
        with pytest.raises(Transient):
            store.create("large", os.urandom(2_000_000))
        assert proxy.seen["torn"] >= 3
        proxy.shares = {}
        assert S3Store(lake).read("large") is None
        assert store.create("large", b"whole")


def test_r32_a_disk_that_is_full_shows_nothing_in_part_and_the_lane_goes_on(tmp_path: Path) -> None:
    tally, folder = Tally(), tmp_path / "campaign"
    with ways.campaign(Way("webhook", "local"), folder, None, tally, seed=1) as campaign:
        with ways.watched(campaign, folder) as findings:
            while tally.ends["broke"] < 3 and tally.faults.total() < 20:
                campaign.round(a_full_disk)
        judge.finish(campaign, reader.found(findings))
    assert tally.ends["broke"] >= 3
    assert tally.problems == []
    assert tally.clean


@pytest.mark.parametrize("nth", range(1, 9))
def test_r32_a_disk_that_fails_to_sync_is_told_and_nothing_is_lost(
    world: World, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    """EIO, at one of the first syncs of a run: of a plan, its folder, a file, its folder, and so on."""
    world.stream = world.stream.model_copy(update={"partition_by": None})
    world.api.records = orders(50)
    fsync, calls = os.fsync, iter(range(1, 1000))

    def failing(descriptor: int) -> None:
        if next(calls) == nth:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(LakeUnusable, match="Input/output error"):
        world.run()
    world.run()
    found = verify(world.store, "orders")
    assert (found.loaded, found.problems) == (50, [])


def test_temporary_files_of_a_failed_write_are_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStore(tmp_path)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(LakeUnusable, match="No space left"):
            store.create("key", b"data")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
