"""Five weeks of a stream with days, nights and weekends: what was planted is found, and nothing else."""

from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest

from tests.health.kept import DAY, HOUR, Kept
from tests.quality.weeks import MONDAY

OUTAGE = (MONDAY + 15 * DAY, MONDAY + 16 * DAY)
"""A Tuesday."""
BROKEN = (MONDAY + 24 * DAY + 6 * HOUR, MONDAY + 24 * DAY + 18 * HOUR)
"""A Thursday, on which carriers are not sent."""
BAD = (MONDAY + 28 * DAY, MONDAY + 28 * DAY + 12 * HOUR)
"""A Monday, on which a third is set aside."""


def within(span: tuple[datetime, datetime], at: datetime) -> bool:
    return span[0] <= at < span[1]


def hour(rng: np.random.Generator, at: datetime, number: int) -> pa.Table | None:
    """Return the rows of two hours."""
    level = 120 * (1 + 0.7 * np.sin(at.hour / 24 * 2 * np.pi)) * (0.25 if at.weekday() >= 5 else 1)
    rows = int(rng.poisson(level * rng.normal(1, 0.1)))
    if within(OUTAGE, at) or not rows:
        return None
    carriers = rng.choice(list("ABCDEFGH"), rows)
    missing = np.full(rows, within(BROKEN, at))
    return pa.table({"id": np.arange(rows) + number, "carrier": pa.array(carriers, mask=missing)})


@pytest.fixture(scope="module")
def kept() -> Kept:
    """Load every other hour and look every six."""
    kept, rng = Kept(), np.random.default_rng(0)
    kept.expect(fresh_within="PT36H")
    for number in range(35 * 12):
        rows = hour(rng, kept.clock.now(), number * 1000)
        aside = rows.num_rows // 2 if rows is not None and within(BAD, kept.clock.now()) else 0
        if rows is None:
            kept.clock.advance(2 * HOUR)
        else:
            kept.load(rows, aside=aside)
            kept.clock.advance(HOUR)
        if number % 3 == 2:
            kept.check()
    return kept


def test_each_trouble_is_one_incident_and_there_is_no_other(kept: Kept) -> None:
    assert [each.id for each in kept.state.incidents.closed] == [
        "orders/volume/1",
        "orders/nulls/carrier/2",
        "orders/quarantined/3",
    ]
    assert kept.open == []


def test_they_are_found_soon_and_end_when_they_are_over(kept: Kept) -> None:
    volume, nulls, aside = kept.state.incidents.closed
    assert volume.since == OUTAGE[0]
    assert volume.opened_at - OUTAGE[1] <= 6 * HOUR, "a day is judged when it is over"
    assert nulls.opened_at - BROKEN[0] <= 6 * HOUR
    assert aside.opened_at - BAD[0] <= 12 * HOUR
    assert nulls.closed_at is not None
    assert nulls.closed_at - BROKEN[1] <= 12 * HOUR


def test_what_was_wrong_is_left_out_of_what_is_usual(kept: Kept) -> None:
    check = kept.check()["volume"]
    assert check.result == "met"
    assert {span.check for span in kept.state.memory.unhealthy} == {"volume", "quarantined"}
