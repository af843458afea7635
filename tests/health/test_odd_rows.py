"""Rows and clocks that are odd themselves: they neither stop a look nor make everything look well."""

from pathlib import Path

import pyarrow as pa
import pytest

from datastream.lake.local import LocalStore
from tests.health.kept import DAY, HOUR, Kept, commit


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_a_column_that_became_one_of_another_type_stops_no_look(kept: Kept) -> None:
    kept.expect(schema="fixed")
    kept.load(100)
    kept.check()
    kept.clock.advance(2 * DAY)
    kept.load(100)
    kept.load(pa.table({"id": [f"order {n}" for n in range(60)]}))
    found = kept.check()
    assert found["schema"].observed == "retyped: id (int64 to string)"
    assert kept.open == ["orders/schema/1"]
    assert kept.state.memory.profiles["id"][-1].rows == 60, "those of today's type"


def test_one_commit_by_a_clock_that_is_a_year_ahead_does_not_make_a_stream_look_fresh_for_a_year(kept: Kept) -> None:
    kept.expect(fresh_within="PT1H", record_within="PT1H")
    kept.load()
    commit(kept.store, kept.clock.now() + 365 * DAY, 5)
    found = kept.check()
    assert (found["freshness"].result, found["volume"].value) == ("met", 15)
    kept.clock.advance(2 * HOUR)
    kept.check()
    assert kept.open == ["orders/freshness/1", "orders/records/2"]


def test_a_stream_that_cannot_be_looked_up_keeps_no_other_check_from_its_incident(tmp_path: Path) -> None:
    kept = Kept(LocalStore(tmp_path / "lake"))
    kept.expect(fresh_within="PT1H", references=[{"column": "id", "stream": "planes", "key": "built"}])
    built = commit(kept.store, kept.clock.now(), pa.table({"built": [kept.clock.now()]}), stream="planes")
    for broken in (lambda: None, lambda: kept.store.delete(built.files[0].key)):
        broken()
        kept.load()
        kept.clock.advance(2 * HOUR)
        check = kept.check()["references:id"]
        assert (check.result, "values cannot be looked up in planes.built" in check.observed) == ("not judged", True)
        assert kept.open == ["orders/freshness/1"]


def test_not_a_number_is_no_value(kept: Kept) -> None:
    kept.expect(volume={"window": "PT1H"})
    for _ in range(12):
        kept.load(pa.table({"amount": [float(n) for n in range(200)]}))
        kept.check()
    kept.load(pa.table({"amount": [float("nan")] * 200}))
    assert kept.check()["nulls:amount"].value == 1.0
