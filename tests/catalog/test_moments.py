"""Times are written as an API wants them: never later than they are where a window begins, never earlier at its end."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datastream.catalog import Cursor
from datastream.catalog.moments import moment_of, rounded_down, rounded_up, tells, written

NOON = datetime(2026, 6, 15, 12, 30, 45, 678_901, tzinfo=UTC)
SECONDS = 1_781_526_645
WRITTEN: dict[str, str | int] = {
    "epoch": SECONDS,
    "epoch_ms": SECONDS * 1000 + 678,
    "%Y-%m-%d": "2026-06-15",
    "%Y%m%d": "20260615",
    "%d.%m.%Y %H:%M": "15.06.2026 12:30",
    "%Y-%m-%dT%H:%M:%S.%fZ": "2026-06-15T12:30:45.678901Z",
    "%Y-%m-%dT%H:%M:%S%z": "2026-06-15T12:30:45+0000",
    "updated:>=%Y-%m-%d": "updated:>=2026-06-15",
}


@pytest.mark.parametrize(("format_", "expected"), WRITTEN.items())
def test_a_moment_is_written_in_utc_and_rounded_down(format_: str, expected: str | int) -> None:
    zone = timezone(timedelta(hours=9))
    assert written(NOON, format_) == written(NOON.astimezone(zone), format_) == expected


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants it
    st.sampled_from([*WRITTEN, "%Y-%m", "%Y", "%Y-%m-%d %H:%M:%S"]),
)
def test_nothing_lies_outside_of_what_is_sent(moment: datetime, format_: str) -> None:
    down, up = rounded_down(moment, format_), rounded_up(moment, format_)
    assert down <= moment <= up
    assert [moment_of(written(end, format_), format_) for end in (down, up)] == [down, up]


@pytest.mark.parametrize("format_", WRITTEN)
def test_what_a_format_can_write_is_not_rounded(format_: str) -> None:
    midnight = datetime(2026, 6, 15, tzinfo=UTC)
    assert (rounded_down(midnight, format_), rounded_up(midnight, format_)) == (midnight, midnight)


@pytest.mark.parametrize(
    ("value", "format_", "expected"),
    [
        (SECONDS, "epoch", NOON.replace(microsecond=0)),
        (f"{SECONDS}.678901", "epoch", NOON),
        (SECONDS * 1000 + 678, "epoch_ms", NOON.replace(microsecond=678_000)),
        (0, "epoch", datetime(1970, 1, 1, tzinfo=UTC)),
        ("15.06.2026", "%d.%m.%Y", datetime(2026, 6, 15, tzinfo=UTC)),
        ("2026-06-15T14+0200", "%Y-%m-%dT%H%z", datetime(2026, 6, 15, 12, tzinfo=UTC)),
        (True, "epoch", None),
        (None, "epoch", None),
        (10**30, "epoch", None),
        ("nan", "epoch", None),
        ([1], "epoch_ms", None),
        (20260615, "%Y%m%d", None),
        ("2026-06-15", "%d.%m.%Y", None),
    ],
)
def test_a_value_of_a_record_is_read(value: object, format_: str, expected: datetime | None) -> None:
    assert moment_of(value, format_) == expected


@pytest.mark.parametrize("format_", ["", "%H:%M", "since", "%s", "%d.%m.", "epoch_us"])
def test_a_format_that_writes_no_day_is_none(format_: str) -> None:
    """`%s` is in no standard: some systems write seconds of their own zone for it."""
    assert not tells(format_)


WRONG = {
    "no time": ({"initial": 7, "format": "epoch"}, "is no time; leave format out"),
    "no day": ({"format": "%H:%M"}, "writes no day; say epoch, epoch_ms or a pattern"),
    "spans of an hour": ({"format": "%Y-%m-%d", "until": "to", "step": "PT1H"}, "cannot tell two spans apart"),
}


@pytest.mark.parametrize(("changes", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_format_that_cannot_be_meant_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Cursor.model_validate({"field": "at", "param": "since", "initial": datetime(2026, 1, 1, tzinfo=UTC), **changes})
