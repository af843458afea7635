"""An incident ends because its check is met again or is not asked any more, and not because nobody can tell."""

import pyarrow as pa
import pytest

from datastream.health import asked
from tests.health.kept import DAY, HOUR, Kept


@pytest.fixture
def kept() -> Kept:
    return Kept()


def empty(rows: int) -> pa.Table:
    return pa.table({"id": pa.nulls(rows, pa.int64())})


def test_a_stream_that_stands_still_for_longer_than_its_past_is_kept_is_never_said_to_be_well(kept: Kept) -> None:
    for day in range(60):
        kept.load(1000 if day < 20 else 0, after=DAY)
        kept.check()
    assert [event for _, event in kept.told] == ["orders.incident-opened"]
    assert kept.open == ["orders/volume/1"]


def test_a_few_rows_that_are_too_few_to_judge_by_end_no_incident(kept: Kept) -> None:
    kept.expect(volume={"window": "PT1H"})
    for _ in range(12):
        kept.load(200)
        kept.check()
    for rows in (200, 10, 200, 10):
        kept.load(empty(rows))
        kept.check()
        assert kept.open == ["orders/nulls/id/1"]


def test_a_window_without_rows_does_not_end_that_too_many_were_set_aside(kept: Kept) -> None:
    for _ in range(12):
        kept.load(200, after=DAY)
        kept.check()
    kept.load(100, after=HOUR, aside=100)
    kept.check()
    kept.clock.advance(2 * DAY)
    assert kept.check()["quarantined"].observed == "no row came in 1 d"
    assert "orders/quarantined/1" in kept.open


def test_a_column_that_is_lost_is_not_usual_after_a_day_but_once_somebody_says_so(kept: Kept) -> None:
    kept.expect(schema="fixed")
    for _ in range(3):
        kept.load(pa.table({"id": [1], "other": [1]}), after=DAY)
        kept.check()
    for _ in range(6):
        kept.load(1, after=DAY)
        assert kept.check()["schema"].observed == "lost: other (int64)"
    assert kept.open == ["orders/schema/1"]
    with kept.ledger() as ledger:
        asked.accept(ledger, "schema", kept.clock.now())
    kept.load(1)
    assert kept.check()["schema"].result == "met"


def test_columns_that_are_as_they_were_again_are_not_odd_a_window_later(kept: Kept) -> None:
    kept.expect(schema="fixed")
    for hour in range(80):
        kept.load(pa.table({"id": [1], **({"other": [1]} if 30 <= hour < 33 else {})}))
        kept.check()
    assert [event for _, event in kept.told] == ["orders.incident-opened", "orders.incident-closed"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"fresh_within": "PT1H"}, {}),
        ({"record_within": "PT1H"}, {}),
        ({"volume": {"least": 500}}, {"learned": False}),
        ({"duplicates_at_most": 0}, {}),
        ({"quarantined_at_most": 0}, {"learned": False}),
        ({"schema": "fixed"}, {}),
    ],
)
def test_what_the_file_does_not_ask_any_more_ends(kept: Kept, before: dict, after: dict) -> None:
    kept.load(10, after=2 * DAY)
    kept.expect(**before)
    kept.load(pa.table({"id": [1], "other": [1]}), after=2 * DAY, aside=5, duplicates=5)
    kept.clock.advance(2 * HOUR)
    kept.check()
    assert len(kept.open) == 1
    kept.expect(**after)
    kept.check()
    assert kept.open == []
    assert kept.state.incidents.closed[-1].how == "not expected any more"


@pytest.mark.parametrize("after", [{"profile": []}, {"profile": ["other"]}, {"learned": False}])
def test_a_column_that_is_not_looked_at_any_more_has_no_incident(kept: Kept, after: dict) -> None:
    kept.expect(volume={"window": "PT1H"})
    for _ in range(12):
        kept.load(200)
        kept.check()
    kept.load(empty(200))
    kept.check()
    assert kept.open == ["orders/nulls/id/1"]
    kept.expect(volume={"window": "PT1H"}, **after)
    kept.check()
    assert kept.open == []
