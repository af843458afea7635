"""What the Prefect server knows of a stream's schedule: when it is to be loaded, and when a run completed last."""

from datetime import UTC, datetime, timedelta

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, NoSchedule, RRuleSchedule
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound

from datastream.quality.check import shown
from datastream.quality.checks import Schedule
from datastream.quality.report import clean

_LATE_AFTER = 3
"""So many runs may be due without one that completes, each until the next is due."""
_MOST_CHARACTERS = 100
_LOOK_BACK = [timedelta(hours=4**n) for n in range(8)]
"""How far, step by step: a schedule gives a thousand times at most. Of one that is rarer, nobody is late."""


def schedule_of(stream: str) -> Schedule | None:
    """Return the schedule of the deployment `etl-pipeline/{stream}`, of several the one that is soonest late."""
    with get_client(sync_client=True) as client:
        try:
            deployment = client.read_deployment_by_name(f"etl-pipeline/{stream}")
        except ObjectNotFound:
            return None
        now, active = datetime.now(UTC), [each for each in deployment.schedules if each.active]
        waits = [
            (most, told(timed), each)
            for each in active
            if not isinstance(timed := each.schedule, NoSchedule) and (most := longest(timed, now))
        ]
        if deployment.paused or not waits:
            return None
        completed = client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id])),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.COMPLETED]))
            ),
            sort=FlowRunSort.END_TIME_DESC,
            limit=1,
        )
    most, said, often = min(waits, key=lambda each: each[0])
    return Schedule(said, most, completed[0].end_time if completed else None, often.created)


def told(schedule: IntervalSchedule | CronSchedule | RRuleSchedule) -> str:
    """Return a schedule for people."""
    if isinstance(schedule, IntervalSchedule):
        return f"every {shown(schedule.interval)}"
    rule = schedule.cron if isinstance(schedule, CronSchedule) else schedule.rrule
    return f"{clean(rule)[:_MOST_CHARACTERS]} ({schedule.timezone or 'UTC'})"


def longest(schedule: IntervalSchedule | CronSchedule | RRuleSchedule, now: datetime) -> timedelta | None:
    """Return how long ago the last run that completed may lie: three intervals, or since the fourth last was due.

    None where it has none.
    """
    if isinstance(schedule, IntervalSchedule):
        return _LATE_AFTER * schedule.interval
    from prefect.server.schemas import schedules as server

    kind = server.CronSchedule if isinstance(schedule, CronSchedule) else server.RRuleSchedule
    planned = kind.model_validate(schedule.model_dump())
    for back in _LOOK_BACK:
        due = sorted(planned._get_dates_generator(start=now - back, end=now))  # noqa: SLF001 - its public twin is async
        if len(due) > _LATE_AFTER:
            return now - due[-1 - _LATE_AFTER]
    return None
