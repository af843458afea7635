"""The schedules of an entry, by slug: without one nobody can tell whether one is changed or another added."""

import asyncio
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from deployments.deploying.file import Entry
from deployments.deploying.problem import Unfit

if TYPE_CHECKING:
    from prefect.client.schemas.schedules import SCHEDULE_TYPES


def schedules_of(entry: Entry, described: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the schedules by slug, as the server keeps them. Raises Unfit."""
    from prefect.cli.deploy._schedules import _schedule_config_to_deployment_schedule
    from prefect.client.schemas.actions import DeploymentScheduleCreate

    if described.get("schedule"):
        raise Unfit(entry.problem("`schedule` is Prefect's old word. Write `schedules: [...]`.", "schedule"))
    found: dict[str, dict[str, Any]] = {}
    for index, given in enumerate(described.get("schedules") or []):
        place = ("schedules", index)
        _refuse_schedule(entry, given, found, place)
        try:
            made = DeploymentScheduleCreate(**_schedule_config_to_deployment_schedule(given))
            _plan_once(made.schedule)
        except ValueError as error:
            raise Unfit(entry.problem(f"its schedule cannot be kept: {_last(error)}. Correct it.", *place)) from error
        dumped = made.model_dump(mode="json", include={"schedule", "parameters"})
        found[given["slug"]] = dumped | ({"active": made.active} if given.get("active") is not None else {})
    return found


def _refuse_schedule(entry: Entry, given: Mapping[str, Any], found: Mapping[str, Any], place: tuple[str, int]) -> None:
    from pydantic import TypeAdapter

    slug, interval = given.get("slug"), given.get("interval")
    if not slug:
        way_out = "Without one, a change of it cannot be told from another. Add for example `slug: every-5-minutes`."
        raise Unfit(entry.problem(f"a schedule has no slug. {way_out}", *place))
    if slug in found:
        raise Unfit(entry.problem(f"two schedules have the slug {slug!r}. Give one of them another.", *place))
    if interval is not None and TypeAdapter(timedelta).validate_python(interval) < timedelta(seconds=1):
        raise Unfit(
            entry.problem(
                f"the schedule {slug!r} has an interval of less than 1 s, by which no run ever comes or all come at "
                "once. Give it one in seconds, such as 300.", *place, "interval",
            )
        )  # fmt: skip


def _plan_once(schedule: "SCHEDULE_TYPES") -> None:
    """Plan a run as the server will every few seconds. Raises ValueError: there it would be an error each time."""
    from prefect.client.schemas.schedules import CronSchedule, RRuleSchedule
    from prefect.server.schemas import schedules as server

    if isinstance(schedule, RRuleSchedule):
        if re.search(r"INTERVAL=0+(?!\d)", schedule.rrule, re.IGNORECASE):
            raise ValueError("by INTERVAL=0 the server would look for its next run for ever")
        asyncio.run(server.RRuleSchedule.model_validate(schedule.model_dump()).get_dates(1))
    elif isinstance(schedule, CronSchedule):
        asyncio.run(server.CronSchedule.model_validate(schedule.model_dump()).get_dates(1))


def _last(error: ValueError) -> str:
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        return (
            str(error.errors(include_url=False, include_input=False)[0]["msg"])
            .removeprefix("Value error, ")
            .rstrip(".")
        )
    return str(error).rstrip(".")
