"""What the Prefect server knows of a stream's schedule: how often it is to be loaded, and when a run completed last."""

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound

from datastream.quality.checks import Schedule


def schedule_of(stream: str) -> Schedule | None:
    """Return the schedule of the deployment `etl-pipeline/{stream}`; None where there is none that runs by interval."""
    with get_client(sync_client=True) as client:
        try:
            deployment = client.read_deployment_by_name(f"etl-pipeline/{stream}")
        except ObjectNotFound:
            return None
        active = [each for each in deployment.schedules if each.active and isinstance(each.schedule, IntervalSchedule)]
        if deployment.paused or not active:
            return None
        completed = client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id])),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.COMPLETED]))
            ),
            sort=FlowRunSort.END_TIME_DESC,
            limit=1,
        )
    often = min(active, key=lambda each: each.schedule.interval)
    return Schedule(often.schedule.interval, completed[0].end_time if completed else None, often.created)
