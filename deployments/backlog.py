"""What the workers of a pool have to do, as one number that says how many runs could be working.

The number is what workers are scaled by, here and on Kubernetes. It counts runs and not records: a lane is drained by
one run at a time, however much waits in it.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from datastream.catalog import Catalog, Stream, WebhookSpec
from datastream.errors import DatastreamError
from deployments.prefect_api import PrefectIncomplete, not_prefect, prefect_client

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.filters import FlowRunFilter, WorkPoolFilter
    from prefect.client.schemas.objects import WorkQueue

    from datastream.buffers import Buffer
    from datastream.settings import Settings

_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Backlog:
    """What there was to do at one moment. What could not be asked is None, and `problem` says why."""

    pool: str
    waiting: int | None = None
    """Runs that are due and that a worker could take: not those that a pause or a limit keeps back."""
    late: int | None = None
    """Runs that Prefect calls late."""
    under_way: int | None = None
    """Runs that were taken and have not ended."""
    lanes: int | None = None
    """Lanes of webhook streams that are due: with a full batch, or a delivery that waits for longer than `interval`."""
    oldest: timedelta | None = None
    """How long the oldest of all these runs and deliveries has been waiting; None if nothing waits."""
    problem: str | None = None

    @property
    def runs(self) -> int | None:
        """The number: the runs that there are, or those that the due lanes ask for if these are more."""
        if self.waiting is None or self.under_way is None or self.lanes is None:
            return None
        return max(self.waiting + self.under_way, self.lanes)


def look(settings: "Settings", pool: str) -> Backlog:
    """Ask the Prefect server and the buffer. What is away is told, and never raised."""
    problems: list[str] = []
    found = Backlog(pool)
    try:
        with prefect_client(tries_again=False) as client:
            found = _runs(client, pool)
    except DatastreamError as error:
        problems.append(str(error))
    try:
        lanes = list(_lanes(settings, problems))
        oldest = _longest(found.oldest, *(age for _, age in lanes))
        found = replace(found, lanes=sum(due for due, _ in lanes), oldest=oldest)
    except DatastreamError as error:
        problems.append(str(error))
    return replace(found, problem=" ".join(problems) or None)


def _runs(client: "SyncPrefectClient", pool: str) -> Backlog:
    from prefect.exceptions import ObjectNotFound
    from pydantic import ValidationError

    try:
        there = client.read_work_pool(pool)
        held = client.read_work_pool_concurrency_status(pool, limit=_AT_ONCE, flow_run_limit=0)
        queues = client.read_work_queues(pool, limit=_AT_ONCE)
    except ObjectNotFound as error:
        raise pool_missing(pool) from error
    except ValidationError as error:
        raise not_prefect(client.api_url, "its answers are of another kind") from error
    now = datetime.now(UTC)
    found = Backlog(pool, waiting=0, late=0, under_way=held.active_slots)
    if there.is_paused:
        return found
    active = {queue.queue_name: queue.active_slots for queue in held.queues}
    waiting = sum(_waiting(client, pool, queue, active.get(queue.name, 0), now) for queue in queues)
    waiting = _within(waiting, there.concurrency_limit, held.active_slots)
    if not waiting:
        return found
    late = client.count_flow_runs(flow_run_filter=_due_by(now, "Late"), work_pool_filter=_of(pool))
    return replace(found, waiting=waiting, late=late, oldest=_oldest_run(client, pool, now))


def _waiting(client: "SyncPrefectClient", pool: str, queue: "WorkQueue", active: int, now: datetime) -> int:
    from prefect.client.schemas.filters import WorkQueueFilter, WorkQueueFilterName

    if queue.is_paused:
        return 0
    of_queue = WorkQueueFilter(name=WorkQueueFilterName(any_=[queue.name]))
    due = client.count_flow_runs(flow_run_filter=_due_by(now), work_pool_filter=_of(pool), work_queue_filter=of_queue)
    return _within(due, queue.concurrency_limit, active)


def _within(waiting: int, limit: int | None, active: int) -> int:
    return waiting if limit is None else min(waiting, max(limit - active, 0))


def _oldest_run(client: "SyncPrefectClient", pool: str, now: datetime) -> timedelta | None:
    from prefect.client.schemas.sorting import FlowRunSort

    found = client.read_flow_runs(
        flow_run_filter=_due_by(now),
        work_pool_filter=_of(pool),
        sort=FlowRunSort.EXPECTED_START_TIME_ASC,
        limit=1,
    )
    return max(now - found[0].expected_start_time, timedelta()) if found and found[0].expected_start_time else None


def _of(pool: str) -> "WorkPoolFilter":
    from prefect.client.schemas.filters import WorkPoolFilter, WorkPoolFilterName

    return WorkPoolFilter(name=WorkPoolFilterName(any_=[pool]))


def _due_by(now: datetime, *names: str) -> "FlowRunFilter":
    from prefect.client.schemas import filters
    from prefect.client.schemas.objects import StateType

    scheduled = filters.FlowRunFilterStateType(any_=[StateType.SCHEDULED])
    named = filters.FlowRunFilterStateName(any_=list(names)) if names else None
    return filters.FlowRunFilter(
        state=filters.FlowRunFilterState(type=scheduled, name=named),
        expected_start_time=filters.FlowRunFilterExpectedStartTime(before_=now),
    )


def pool_missing(pool: str) -> PrefectIncomplete:
    """Return the error that says so."""
    return PrefectIncomplete(
        f"There is no work pool {pool!r}. Correct --pool, or make it: `prefect work-pool create {pool} --type process`."
    )


def _lanes(settings: "Settings", problems: list[str]) -> "Iterator[tuple[bool, timedelta | None]]":
    """Yield of each lane whether it is due, and for how long its oldest delivery has waited."""
    from datastream.buffers import lane_of
    from datastream.buffers.redis import open_buffer

    if settings.buffer is None:
        return
    posted = [stream for stream in _readable(settings, problems) if isinstance(stream.source, WebhookSpec)]
    with open_buffer(settings.buffer) as buffer:
        for stream in posted:
            for lane in map(str, range(stream.shards)):
                yield _lane(buffer, stream, lane_of(stream.name, lane))


def _lane(buffer: "Buffer", stream: Stream, lane: str) -> tuple[bool, timedelta | None]:
    depth = buffer.depth(lane)
    age = _age(buffer, lane) if depth else None
    return depth >= stream.batch.size or (age is not None and age >= stream.batch.interval), age


def _age(buffer: "Buffer", lane: str) -> timedelta | None:
    from datastream.buffers import BEGINNING, EpochChanged, received_at

    with suppress(EpochChanged):
        for entry in buffer.read(lane, buffer.reach(lane).epoch, BEGINNING, 1):
            received = datetime.fromtimestamp(received_at(entry.position) / 1000, UTC)
            return max(datetime.now(UTC) - received, timedelta())  # Redis may be ahead of us
    return None


def _readable(settings: "Settings", problems: list[str]) -> Iterator[Stream]:
    """Yield the streams whose files can be read; no run could drain the others either."""
    catalog = Catalog(settings.streams)
    for name in catalog.names():
        try:
            yield catalog.stream(name)
        except DatastreamError as error:
            problems.append(str(error))


def _longest(*ages: timedelta | None) -> timedelta | None:
    return max((age for age in ages if age is not None), default=None)
