"""The store loses answers (R29), is too busy for others (R28); runs fail and come again. Nothing is lost or doubled."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from datastream.clock import ManualClock
from datastream.connections import LakeConfig
from datastream.errors import Transient
from datastream.lake.s3 import S3Store
from datastream.lake.s3_errors import LakeAway
from datastream.lake.verify import verify
from datastream.resilience import DEFAULT, BreakerOpen
from tests.conftest import NOW, World, order, orders, stream_of
from tests.fake_api import FakeApi
from tests.proxy import between
from tests.seaweedfs import fresh_lake

COMMITS, ROWS = 20, 100
RUNS = 200
SHARES = {"lost": 0.1, "busy": 0.1, "cut": 0.1}


def drained(world: World) -> int:
    """Run until a run reaches its end, as a schedule would; return how many did not."""
    for failed in range(RUNS):
        try:
            world.run()
        except Transient:
            world.clock.advance(world.stream.batch.interval)
        else:
            return failed
    raise AssertionError(f"{RUNS} runs have failed")


def by_glob(world: World, folder: Path) -> list[int]:
    """Return the ids in every Parquet file there is, whatever the log says."""
    found = []
    for prefix in ("orders/data/", "_quarantine/orders/"):
        for key in world.store.keys(prefix):
            (folder / "file").write_bytes(world.store.read(key) or b"")
            found += pq.read_table(folder / "file", columns=["id"])["id"].to_pylist()
    return sorted(found)


def test_a_drain_through_a_bad_line_loses_and_doubles_nothing(
    api: FakeApi, suites: Path, s3_lake: LakeConfig, tmp_path: Path
) -> None:
    """R28 and R29: busy, cut and lost answers, one in ten of each."""
    lake, clock = fresh_lake(s3_lake, tmp_path.name), ManualClock(NOW)
    api.records = [order(n, **({"amount": None} if n % 17 == 0 else {})) for n in range(1, COMMITS * ROWS + 1)]
    stream = stream_of(batch={"size": 25, "per_commit": ROWS // 25}, partition_by=None)
    with between(lake.endpoint, **SHARES) as proxy:
        world = World(api, S3Store(lake.model_copy(update={"endpoint": proxy.url}), clock), suites, stream, clock)
        drained(world)
        assert min(proxy.seen[fault] for fault in SHARES) >= 5, proxy.seen
        assert len(clock.slept) >= 10
    world.store = S3Store(lake)
    found = verify(world.store, "orders")
    assert (found.loaded + found.quarantined, found.problems) == (COMMITS * ROWS, [])
    assert found.commits >= COMMITS, "after a run that failed behind its last commit the next commits repeats"
    assert by_glob(world, tmp_path) == [row["id"] for row in api.records]


def test_a_store_that_is_down_is_left_alone_and_its_claim_waits(
    api: FakeApi, suites: Path, s3_lake: LakeConfig, tmp_path: Path
) -> None:
    """R28: after some calls in a row the breaker opens, and once the store is back the claim is committed."""
    lake, clock = fresh_lake(s3_lake, tmp_path.name), ManualClock(NOW)
    api.records = orders(300)
    with between(lake.endpoint) as proxy:
        world = World(api, S3Store(lake.model_copy(update={"endpoint": proxy.url}), clock), suites, clock=clock)
        proxy.shares = {"busy": 1.0}
        for _ in range(DEFAULT.failures):
            with pytest.raises(LakeAway, match="503 SlowDown"):
                world.run()
        asked = proxy.seen.total()
        with pytest.raises(BreakerOpen, match="because 5 calls in a row have failed"):
            world.run()
        assert proxy.seen.total() == asked
        proxy.shares = {}
        clock.advance(DEFAULT.rest)
        world.run()
        assert world.rows("select count(*) from orders") == [(300,)]
