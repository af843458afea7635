"""What the workers of a pool have to do, as one number that says how many runs could be working.

The number is what workers are scaled by, here and on Kubernetes. It counts runs and not records: a lane is drained by
one run at a time, however much waits in it.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from datastream.catalog import Catalog, Stream, WebhookSpec
from datastream.errors import DatastreamError
from deployments.prefect_api import PrefectIncomplete, not_prefect, prefect_client

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

    from datastream.buffers import Buffer
    from datastream.settings import Settings

Ask = Callable[[Any, Any], Any]
"""Posts a question to the Prefect server's API, by path and body, and returns the answer."""
_PAGE = 200
_LOADS = "etl-pipeline"
UNDER_WAY = ("PENDING", "RUNNING", "CANCELLING")


@dataclass(frozen=True, slots=True)
class Backlog:
    """What there was to do at one moment. What could not be asked is None, and `problem` says why."""

    pool: str
    waiting: int | None = None
    """Runs that are due and that a worker could take: not those that a pause or a limit keeps back."""
    late: int | None = None
    """Runs that Prefect calls late, also those that are kept back."""
    under_way: int | None = None
    """Runs that were taken and have not ended."""
    lanes: int | None = None
    """Lanes that are due: with a full batch, or a delivery that waits for longer than `interval`."""
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
    found, loaded = Backlog(pool), None
    try:
        with prefect_client(tries_again=False) as client:
            ask = through(client)
            try:
                found, loaded = runs_of(ask, pool, datetime.now(UTC)), _loaded(ask, pool)
            except (KeyError, TypeError, ValueError) as error:
                raise not_prefect(client.api_url, "its answers are of another kind") from error
    except DatastreamError as error:
        problems.append(str(error))
    try:
        lanes = list(_lanes(settings, loaded, problems))
        oldest = _longest(found.oldest, *(age for _, age in lanes))
        found = replace(found, lanes=sum(due for due, _ in lanes), oldest=oldest)
    except DatastreamError as error:
        problems.append(str(error))
    return replace(found, problem=" ".join(problems) or None)


def through(client: "SyncPrefectClient") -> Ask:
    """Return a way to ask by Prefect's own client."""
    return lambda path, body: client.request("POST", path, json=body).json()


def runs_of(ask: Ask, pool: str, now: datetime) -> Backlog:
    """Count a pool's runs. Raises PrefectIncomplete if it is not there, and what `ask` raises."""
    there = pool_of(ask, pool)
    held = ask(f"/work_pools/{pool}/concurrency_status", {"limit": _PAGE, "flow_run_limit": 0})
    active = {queue["queue_name"]: queue["active_slots"] for queue in held["queues"]}
    of_pool = {"work_pools": {"name": {"any_": [pool]}}}
    due = {"state": {"type": {"any_": ["SCHEDULED"]}}, "expected_start_time": {"before_": now.isoformat()}}

    def count(runs: Mapping[str, Any], **of: Any) -> int:
        return int(ask("/flow_runs/count", {**of_pool, **of, "flow_runs": runs}))

    waiting: dict[str, int] = {}
    queues = [] if there["is_paused"] else ask(f"/work_pools/{pool}/queues/filter", {"limit": _PAGE})
    for queue in queues:
        name, limit = queue["name"], queue["concurrency_limit"]
        if not queue["is_paused"] and (found := count(due, **_of_queues([name]))):
            waiting[name] = _within(found, limit, active.get(name, 0))
    first = {"sort": "EXPECTED_START_TIME_ASC", "limit": 1}
    open_ = _of_queues([name for name, runs in waiting.items() if runs])
    oldest = ask("/flow_runs/filter", {**of_pool, **open_, **first, "flow_runs": due}) if any(waiting.values()) else []
    return Backlog(
        pool,
        waiting=_within(sum(waiting.values()), there["concurrency_limit"], held["active_slots"]),
        late=count({"state": {"type": {"any_": ["SCHEDULED"]}, "name": {"any_": ["Late"]}}}),
        under_way=count({"state": {"type": {"any_": UNDER_WAY}}}),
        oldest=_longest(*(now - datetime.fromisoformat(run["expected_start_time"]) for run in oldest)),
    )


def _of_queues(names: list[str]) -> dict[str, Any]:
    return {"work_pool_queues": {"name": {"any_": names}}}


def _within(waiting: int, limit: int | None, active: int) -> int:
    return waiting if limit is None else min(waiting, max(limit - active, 0))


def _loaded(ask: Ask, pool: str) -> set[str]:
    """Return the streams that a deployment in this pool loads; no worker would drain the others."""
    found: list[Any] = []
    flow = {"flows": {"name": {"any_": [_LOADS]}}, "limit": _PAGE}
    while len(found) % _PAGE == 0 and (page := ask("/deployments/filter", {**flow, "offset": len(found)})):
        found += page
    ours = [each for each in found if each["work_pool_name"] == pool and not each["paused"]]
    return {str(each["parameters"].get("stream")) for each in ours}


def pool_of(ask: Ask, pool: str) -> Any:
    """Return what the server says of a pool. Raises PrefectIncomplete if it is not there, and what `ask` raises."""
    found = ask("/work_pools/filter", {"work_pools": {"name": {"any_": [pool]}}})
    if not found:
        raise PrefectIncomplete(
            f"There is no work pool {pool!r}. Correct --pool, or make it: `prefect work-pool create {pool} --type "
            "process`."
        )
    return found[0]


def _lanes(
    settings: "Settings", loaded: Collection[str] | None, problems: list[str]
) -> "Iterator[tuple[bool, timedelta | None]]":
    """Yield of each lane whether it is due, and for how long its oldest delivery has waited.

    Of streams that are `loaded`; of all while that is not known.
    """
    from datastream.buffers import lane_of
    from datastream.buffers.redis import open_buffer

    if settings.buffer is None:
        return
    posted = [stream for stream in _readable(settings, problems) if isinstance(stream.source, WebhookSpec)]
    with open_buffer(settings.buffer) as buffer:
        for stream in posted:
            if loaded is None or stream.name in loaded:
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
