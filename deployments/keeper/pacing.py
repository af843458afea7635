"""Asks for a load of a stream when `batch.size` deliveries of it wait: "1000 records or 5 minutes, whichever first".

The minutes are the schedule's. What asks is the event `datastream.batch.ready`; the automation of that name runs the
stream's deployment. That it was asked is kept in the buffer for all keepers: `datastream:asked:{stream}`, for one
`batch.interval`, with the run that had ended well last. Another one is the answer, whatever the clocks say.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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
        if self._under_way(deployment, gone) >= stream.shards or not self._takes(stream, deployment):
            return False
        try:
            self.server.post("/events", [event_of(stream.name, waiting, size, each.deployment, self.server.now())])
        except DatastreamError:
            self.client.delete(_key(stream.name))
            raise
        return True

    def _takes(self, stream: Stream, deployment: Mapping[str, Any]) -> bool:
        """Take it on to ask for a load, of all keepers; no if one was asked for and no run ended well since.

        After a run that failed, or that nobody saw, it is asked again when the key runs out: a stream that always
        fails is then run about as often as by its schedule. A run that yielded loaded nothing, and is no answer.
        """
        key, newest = _key(stream.name), self._ended_well(deployment)
        asked = self.client.get(key)
        if asked == newest:
            return False
        if asked is not None:
            self.client.delete(key)
        return bool(self.client.set(key, newest, nx=True, px=stream.batch.interval))

    def _under_way(self, deployment: Mapping[str, Any], gone: Collection[str]) -> int:
        due = {"before_": (self.server.now() + _SOON).isoformat()}
        state = {"type": {"any_": _UNDER_WAY}}
        found = self.server.all(
            "/flow_runs/filter", {"flow_runs": {**deployment, "state": state, "expected_start_time": due}}
        )
        return sum(run["id"] not in gone for run in found)

    def _ended_well(self, deployment: Mapping[str, Any]) -> bytes:
        well = {**deployment, "state": {"name": {"any_": ["Completed"]}}}
        found = self.server.post("/flow_runs/filter", {"flow_runs": well, "sort": "END_TIME_DESC", "limit": 1})
        return found[0]["id"].encode() if found else b"none"

    def _described(self) -> Iterator[_Paced]:
        found = self.server.all("/deployments/filter", {"flows": {"name": {"any_": [LOADS]}}})
        named = ((each["parameters"].get("stream"), each) for each in found if not each["paused"])
        loads = {stream: each for stream, each in named if isinstance(stream, str)}  # others' may be anything
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
