"""How long a schedule of Prefect may go without a run that completed, by the times it is due."""

from datetime import UTC, datetime, timedelta

import pytest
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

from tasks.schedule import longest, told

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MONDAY = datetime(2026, 3, 30, 12, tzinfo=UTC)
"""At noon; on the day before, summer time began in Berlin."""
BERLIN = {"timezone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("schedule", "since"),
    [
        (IntervalSchedule(interval=HOUR), MONDAY - 3 * HOUR),
        (CronSchedule(cron="*/5 * * * *"), MONDAY - HOUR / 4),
        (CronSchedule(cron="0 9 * * *"), MONDAY - 3 * DAY - 3 * HOUR),
        (CronSchedule(cron="0 9 * * *", **BERLIN), MONDAY - 3 * DAY - 4 * HOUR),
        (CronSchedule(cron="0 9 * * 1-5"), datetime(2026, 3, 25, 9, tzinfo=UTC)),
        (CronSchedule(cron="0 6 1 * *"), datetime(2025, 12, 1, 6, tzinfo=UTC)),
        (RRuleSchedule(rrule="FREQ=DAILY;BYHOUR=9;BYMINUTE=0;BYSECOND=0"), MONDAY - 3 * DAY - 3 * HOUR),
    ],
)
def test_a_run_is_late_when_three_were_due_without_one_and_a_fourth_is(schedule: CronSchedule, since: datetime) -> None:
    assert MONDAY - longest(schedule, MONDAY) == since


def test_of_a_schedule_that_is_hardly_ever_due_nobody_is_late() -> None:
    assert longest(CronSchedule(cron="0 0 29 2 *"), MONDAY) is None
    assert longest(RRuleSchedule(rrule="DTSTART:20300101T000000\nFREQ=DAILY"), MONDAY) is None


def test_a_schedule_is_named_as_it_was_written() -> None:
    assert told(IntervalSchedule(interval=HOUR)) == "every 1 h"
    assert told(CronSchedule(cron="0 9 * * 1-5", **BERLIN)) == "0 9 * * 1-5 (Europe/Berlin)"
    assert told(RRuleSchedule(rrule="FREQ=DAILY")) == "FREQ=DAILY (UTC)"
