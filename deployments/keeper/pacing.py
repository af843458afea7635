"""Asks for a load of a stream when `batch.size` deliveries of it wait: "1000 records or 5 minutes, whichever first".

The minutes are the schedule's. What asks is the event `datastream.batch.ready`; the automation of that name runs the
stream's deployment. When it was asked last is kept in the buffer, `datastream:asked:{stream}`, for all keepers.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from datastream.buffers import Buffer, lane_of
from datastream.catalog import Catalog, Stream, WebhookSpec
from datastream.clock import Clock
from datastream.errors import DatastreamError
from deployments.keeper.server import Server

if TYPE_CHECKING:
    from redis import Redis

EVENT = "datastream.batch.ready"
LOADS = "etl-pipeline"
_SOON = timedelta(seconds=5)
"""A run that is due so soon is as good as under way."""
_UNDER_WAY = ("SCHEDULED", "PENDING", "RUNNING", "CANCELLING")


@dataclass(frozen=True, slots=True)
class Pace:
    """How often depths are looked at, and the streams and deployments read."""

    look: timedelta = timedelta(seconds=1)
    reread: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Asked:
    """A load that was asked for, and whether a run ended well since."""

    ago: timedelta
    answered: bool


def wanted(waiting: int, size: int, under_way: int, lanes: int, asked: Asked | None, quiet: timedelta) -> bool:
    """Tell whether to ask for a load: enough waits, and nobody is there or on the way who would take it.

    After a run that failed, or that nobody saw, it is asked again when `quiet` is over: a stream that always fails is
    then run about as often as by its schedule.
    """
    if waiting < size or under_way >= lanes:
        return False
    return asked is None or asked.answered or asked.ago >= quiet


@dataclass(slots=True)
class _Paced:
    stream: Stream
    deployment: Mapping[str, Any]


@dataclass(slots=True)
class Pacer:
    """Looks at the depths of all webhook streams that have a deployment which is not paused."""

    server: Server
    catalog: Catalog
    buffer: Buffer
    client: "Redis"
    clock: Clock
    pace: Pace = field(default_factory=Pace)
    _known: list[_Paced] = field(default_factory=list)
    _read_again: float = 0.0

    def look(self, gone: Collection[str] = ()) -> list[str]:
        """Ask for a load of each stream that wants one, and return their names; runs in `gone` are dead."""
        if self.clock.monotonic() >= self._read_again:
            self._known = list(self._described())
            self._read_again = self.clock.monotonic() + self.pace.reread.total_seconds()
        return [each.stream.name for each in self._known if self._asks(each, gone)]

    def _asks(self, each: _Paced, gone: Collection[str]) -> bool:
        stream, size = each.stream, each.stream.batch.size
        waiting = sum(self.buffer.depth(lane_of(stream.name, str(lane))) for lane in range(stream.shards))
        if waiting < size:
            return False
        deployment = {"deployment_id": {"any_": [each.deployment["id"]]}}
        under_way, asked = self._under_way(deployment, gone), self._asked(stream.name, deployment)
        quiet = stream.batch.interval
        if not wanted(waiting, size, under_way, stream.shards, asked, quiet):
            return False
        key = _key(stream.name)
        if asked is not None:
            self.client.delete(key)
        now = self.clock.now()
        if not self.client.set(key, int(now.timestamp() * 1000), nx=True, px=quiet):
            return False  # another keeper was faster
        try:
            self.server.post("/events", [event_of(stream.name, waiting, size, each.deployment, now)])
        except DatastreamError:
            self.client.delete(key)
            raise
        return True

    def _under_way(self, deployment: Mapping[str, Any], gone: Collection[str]) -> int:
        due = {"before_": (self.clock.now() + _SOON).isoformat()}
        state = {"type": {"any_": _UNDER_WAY}}
        found = self.server.all(
            "/flow_runs/filter", {"flow_runs": {**deployment, "state": state, "expected_start_time": due}}
        )
        return sum(run["id"] not in gone for run in found)

    def _asked(self, stream: str, deployment: Mapping[str, Any]) -> Asked | None:
        said = self.client.get(_key(stream))
        if said is None:
            return None
        at = datetime.fromtimestamp(int(said) / 1000, UTC)
        well = {**deployment, "state": {"type": {"any_": ["COMPLETED"]}}, "end_time": {"after_": at.isoformat()}}
        answered = self.server.post("/flow_runs/filter", {"flow_runs": well, "limit": 1})
        return Asked(self.clock.now() - at, bool(answered))

    def _described(self) -> Iterator[_Paced]:
        found = self.server.all("/deployments/filter", {"flows": {"name": {"any_": [LOADS]}}})
        loads = {each["parameters"].get("stream"): each for each in found if not each["paused"]}
        for name in self.catalog.names():
            try:
                stream = self.catalog.stream(name)
            except DatastreamError:
                continue  # its runs say what is wrong with it
            if name in loads and isinstance(stream.source, WebhookSpec):
                yield _Paced(stream, loads[name])


def event_of(stream: str, waiting: int, size: int, deployment: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the event that asks for a load; the deployment that it names is the one that the automation runs."""
    target = {
        "prefect.resource.id": f"prefect.deployment.{deployment['id']}",
        "prefect.resource.role": "deployment",
        "prefect.resource.name": deployment["name"],
    }
    return {
        "id": str(uuid4()),
        "occurred": now.isoformat(),
        "event": EVENT,
        "resource": {"prefect.resource.id": f"datastream.stream.{stream}", "prefect.resource.name": stream},
        "related": [target],
        "payload": {"stream": stream, "waiting": waiting, "batch_size": size},
    }


def _key(stream: str) -> str:
    return f"datastream:asked:{stream}"
