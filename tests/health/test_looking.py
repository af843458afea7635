"""A look at a stream reads what is new, keeps what is known, and says it in the table `_quality`."""

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from datastream.catalog import Compact, Retention
from datastream.lake import layout, reader, upkeep
from datastream.lake.local import LocalStore
from datastream.lake.log import Log
from datastream.lake.manifest import RuleResult, Snapshot
from datastream.lake.reader import query
from datastream.lake.s3 import S3Store
from datastream.lake.store import MemoryStore
from datastream.lake.upkeep import SweepPolicy
from datastream.lake.verify import verify
from tests.health.kept import DAY, HOUR, Kept, commit
from tests.seaweedfs import fresh_lake


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(LocalStore(tmp_path / "lake"))


@pytest.mark.parametrize("where", ["folder", "s3"])
def test_each_result_is_a_row_of_a_table_like_any_other(
    where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    s3 = fresh_lake(request.getfixturevalue("s3_lake"), tmp_path.name) if where == "s3" else None
    kept = Kept(S3Store(s3) if s3 else LocalStore(tmp_path / "lake"))
    kept.expect(fresh_within="PT1H")
    kept.load(10, rules=(RuleResult(rule="id unique", severity="critical", success=True, rows=0),))
    kept.check("first")
    kept.load(5, after=3 * HOUR, rules=(RuleResult(rule="id unique", severity="critical", success=False, rows=2),))
    kept.clock.advance(2 * HOUR)
    kept.check("second")
    rows = query(
        kept.store, "select run, result, observed, incident from _quality where check_name = 'freshness' order by 1"
    )
    assert rows[1] == [("first", "met", 0.0, None), ("second", "not met", 7200.0, "orders/freshness/1")]
    now = query(kept.store, "select result, observed, severity from _quality_current where check_name = 'suite'")[1]
    assert now == [("not met", 2.0, "critical")], "of what was committed since the run before"
    assert verify(kept.store, layout.QUALITY).problems == []
    assert verify(kept.store, "orders").strangers == []


def test_no_row_and_no_event_holds_a_value_of_the_stream(kept: Kept) -> None:
    kept.expect(fresh_within="PT1H", record_within="PT1H")
    made = kept.load(pa.table({"id": [1], "mail": ["someone@example.org"]}))
    kept.clock.advance(5 * HOUR)
    assert "2026-01-05T01" in kept.check()["freshness"].note
    told = str(query(kept.store, "select * exclude (checked_at, _received_at) from _quality")[1])
    said = told + str([event.encoded for event in kept.bus.published])
    assert len(kept.bus.published) == 2
    assert "someone" not in said
    assert made.files[0].cursor is not None
    assert made.files[0].cursor[1] not in said


def test_lanes_that_fill_in_or_bring_back_are_no_volume(kept: Kept) -> None:
    kept.load(10)
    commit(kept.store, kept.clock.now(), 500, lane="backfill-20130101T000000Z-20130102T000000Z")
    commit(kept.store, kept.clock.now(), 70, lane="replay", replayed=True)
    commit(kept.store, kept.clock.now(), 3, lane="1")
    assert kept.check()["volume"].value == 13
    commit(kept.store, kept.clock.now(), 70, lane="replay", replayed=True)
    kept.load(4)
    assert kept.check()["volume"].value == 17


def test_a_snapshot_is_no_volume_until_it_is_whole(kept: Kept) -> None:
    kept.stream = kept.stream.model_copy(update={"load": "replace"})
    kept.load(100, snapshot=Snapshot(first=1, last=0, begun=1))
    assert kept.check()["volume"].observed == "no snapshot became whole"
    kept.load(50, snapshot=Snapshot(first=1, last=2))
    assert kept.check()["volume"].observed == "150 rows in the last snapshot"
    kept.load(40, snapshot=Snapshot(first=3, last=3))
    assert kept.check()["volume"].observed == "40 rows in the last snapshot"


class Counted(MemoryStore):
    """Counts what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.reads, self.listed = 0, 0

    def read(self, key: str) -> bytes | None:
        self.reads += 1
        return super().read(key)

    def keys(self, prefix: str):
        for key in super().keys(prefix):
            self.listed += 1
            yield key

    def cost(self) -> tuple[int, int]:
        found, self.reads, self.listed = (self.reads, self.listed), 0, 0
        return found


def test_a_run_costs_the_same_however_many_there_were() -> None:
    """And however long the stream's log is: only what is new is read."""
    store = Counted()
    kept = Kept(store)
    for _ in range(40):
        kept.load(5)
    kept.check()
    costs = []
    for _ in range(96):
        kept.load(5)
        store.cost()
        kept.check()
        costs.append(store.cost())
    assert max(costs[-16:]) == max(costs[16:32])


def test_the_first_look_goes_back_over_what_there_is(kept: Kept) -> None:
    for _ in range(10):
        kept.load(20, after=DAY)
    assert kept.check()["volume"].expected == "as usual, 0 to 42"


def test_a_log_that_was_restored_and_is_shorter_is_followed_from_its_end(kept: Kept) -> None:
    for _ in range(5):
        kept.load()
    kept.check()
    for seq in (4, 5):
        kept.store.delete(layout.manifest("orders", "0", seq))
    for key in list(kept.store.keys("_index/orders/")):
        kept.store.delete(key)
    kept.check()
    assert kept.state.upto == {"0": 3}


def test_a_log_of_which_maintenance_has_folded_what_came_next_is_followed(kept: Kept) -> None:
    kept.load()
    kept.check()
    for _ in range(6):
        kept.load(after=10 * DAY)
    retention = Retention(data=timedelta(days=15), log=timedelta(days=1))
    upkeep.expire(kept.store, "orders", retention, kept.clock.now(), "r")
    upkeep.sweep(kept.store, "orders", kept.clock.now(), "r", SweepPolicy(grace=timedelta()))
    assert Log(kept.store, "orders").manifest(2) is None
    kept.check()
    assert kept.state.upto == {"0": 7}
    assert kept.check()["freshness"].value == 0


def test_a_stream_is_looked_at_after_its_files_were_put_together_and_deleted(kept: Kept) -> None:
    for _ in range(3):
        kept.load(60, after=3 * DAY)
    upkeep.compact(kept.store, "orders", Compact(after=timedelta()), Retention(), kept.clock.now(), "r")
    upkeep.sweep(kept.store, "orders", kept.clock.now(), "r", SweepPolicy(grace=timedelta()))
    assert kept.check()["schema"].observed == "1 columns, as in commit 0-000000000002"
    assert kept.state.memory.profiles["id"][0].rows == 180


def test_columns_that_drift_are_found_in_the_rows_and_accepted_by_no_run(kept: Kept) -> None:
    kept.expect(volume={"window": "PT1H"})
    for _ in range(10):
        kept.load(100)
        kept.check()
    assert kept.check()["nulls"].observed == "no new row"
    kept.load(pa.table({"id": pa.nulls(100, pa.int64())}))
    assert kept.check()["nulls:id"].result == "not met"
    assert kept.open == ["orders/nulls/id/1"]
    assert "nulls:id" not in kept.check(), "no new row says anything of it"
    assert kept.open == ["orders/nulls/id/1"]
    for _ in range(2):
        kept.load(100)
        kept.check()
    assert kept.open == []


def planes(kept: Kept, *keys: str) -> None:
    commit(kept.store, kept.clock.now(), pa.table({"tailnum": keys}), stream="planes")


def test_what_a_stream_refers_to_is_looked_up_in_the_other(kept: Kept) -> None:
    kept.expect(references=[{"column": "tail", "stream": "planes", "key": "tailnum", "missing_at_most": 0.25}])
    flights = pa.table({"tail": ["N1", "N1", "N2", None, "N3"]})
    kept.load(flights)
    assert kept.check()["references:tail"].observed == "nothing of planes is committed"
    planes(kept, "N1", "N2")
    kept.load(flights)
    check = kept.check()["references:tail"]
    assert (check.result, check.observed) == ("met", "1 of 4 values are not in planes.tailnum")
    kept.load(pa.table({"tail": ["N3", "N3", "N1"]}))
    assert kept.check()["references:tail"].result == "not met"
    assert kept.open == ["orders/references/tail/1"]
    kept.expect()
    kept.check()
    assert kept.open == [], "nobody asks any more"


def test_numbers_meet_text_and_a_key_that_is_not_there_is_said(kept: Kept) -> None:
    kept.expect(references=[{"column": "id", "stream": "planes", "key": "tailnum"}])
    planes(kept, "0", "1", "2")
    kept.load(3)
    assert kept.check()["references:id"].result == "met"
    kept.expect(references=[{"column": "id", "stream": "planes", "key": "tail"}])
    kept.load(3)
    assert kept.check()["references:id"].observed == "planes has no column tail"
    kept.expect(references=[{"column": "gate", "stream": "planes", "key": "tailnum"}])
    kept.load(3)
    assert kept.check()["references:gate"].observed == "no new row has a column gate"


def test_only_the_columns_that_are_wanted_are_looked_at(kept: Kept) -> None:
    kept.expect(profile=["id"])
    kept.load(pa.table({"id": [1], "other": [2]}))
    kept.check()
    kept.load(pa.table({"id": range(60), "other": range(60)}))
    kept.check()
    assert kept.state.memory.profiles.keys() == {"id"}


def test_the_table_does_no_harm_where_streams_are_listed(kept: Kept) -> None:
    kept.load()
    kept.check()
    assert reader.streams(kept.store) == ["_quality", "orders"]
    assert query(kept.store, "select count(*) from orders")[1] == [(10,)]
    kept.clock.advance(3 * DAY)
    kept.load()
    kept.check()
    made = upkeep.compact(kept.store, "_quality", Compact(after=timedelta()), Retention(), kept.clock.now(), "r")
    assert len(made) == 1
    assert verify(kept.store, "_quality").problems == []
    expired = upkeep.expire(kept.store, "_quality", Retention(data=HOUR, log=HOUR), kept.clock.now() + DAY, "r")
    assert expired is not None
    assert kept.check()["volume"].value == 10
