"""Puts right what dead runs left behind: their state, that of their tasks, and their work.

A run that was called crashed and lives after all is not stopped by that: the server lets it go on and say how it ended,
and what was run again in its place finds the lease taken, or the work done.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import redis

from datastream.buffers.presence import Ending, Sight, seen
from datastream.clock import Clock
from datastream.errors import DatastreamError
from deployments.keeper.rerun import SAFE, Again, due, key_of, tags_of
from deployments.keeper.server import Server
from deployments.keeper.zombies import ACTIVE, Patience, Seen, judged
from deployments.prefect_api import PrefectRefused

if TYPE_CHECKING:
    from redis import Redis

_HEARTBEAT = "prefect.flow-run.heartbeat"
_PROCESSES = "process"

Run = Mapping[str, Any]


@dataclass(slots=True)
class Repair:
    """Looks at all runs that are under way, and at those that crashed lately. `client` is None where there is no Redis.

    What is remembered is since when a connection is missed; a keeper that is started anew counts from then.
    """

    server: Server
    client: "Redis | None"
    clock: Clock
    patience: Patience = field(default_factory=Patience)
    again: Again = field(default_factory=Again)
    gone: dict[str, float] = field(default_factory=dict)
    """Runs whose process is gone, and when that was first seen."""
    _since: float | None = None
    _flows: dict[str, str] = field(default_factory=dict)

    def look(self) -> list[str]:
        """Put right what can be told to be wrong, and return a sentence about each.

        Raises PrefectAway, and PrefectRefused when all else is done.
        """
        try:
            found = self._found()
        except DatastreamError:
            self._since = None  # while nobody answers, nobody's silence counts
            self.gone.clear()
            raise
        if self._since is None:
            self._since = self.clock.monotonic()
        sights = self._sights(found)
        said: list[str] = []
        refused: PrefectRefused | None = None
        for run in found:
            try:
                said += self._put_right(run, sights)
            except PrefectRefused as error:  # of a run that was deleted meanwhile, say; the others are not held up
                refused = error
        if refused is not None and not said:  # what was done is told first; the next look says it again
            raise refused
        return said

    def _found(self) -> list[dict[str, Any]]:
        under_way = {"state": {"type": {"any_": ACTIVE}}}
        lately = (self.clock.now() - self.again.within).isoformat()
        crashed = {"state": {"type": {"any_": ["CRASHED"]}}, "end_time": {"after_": lately}}
        asked = ({"flow_runs": wanted} for wanted in (under_way, crashed))
        return [run for wanted in asked for run in self.server.all("/flow_runs/filter", wanted)]

    def _sights(self, found: Iterable[Run]) -> Mapping[str, Sight]:
        """Return what is seen of runs, and remember whose process is gone."""
        runs, sights = [run["id"] for run in found], None
        if self.client is not None:
            with suppress(redis.RedisError):
                sights = seen(self.client, runs, self.patience.settled)
        missed = {run for run, sight in (sights or {}).items() if not sight.connected}
        now = self.clock.monotonic()
        self.gone = {run: self.gone.get(run, now) for run in missed}
        return sights or {}

    def _put_right(self, run: Run, sights: Mapping[str, Sight]) -> Iterable[str]:
        now = self.clock.now()
        ending = judged(self._seen(run, sights), now, self._watched_for, self.patience)
        if ending is None:
            if run["state_type"] == "CRASHED":
                yield from self._run_again(run, now)
            return
        if ending.type == "CRASHED":
            after = "It is run again: repeating it is safe." if self._repeats(run) else "Run it again by hand."
            ending = Ending(ending.type, ending.name, f"{ending.message} Nothing that was committed is lost. {after}")
            self._crash_tasks(run)
        self._set_state("flow_runs", run, ending)
        yield f"{run['name']} ({run['id']}) was {run['state_type']} and is {ending.type}: {ending.message}"
        if ending.type == "CRASHED":
            yield from self._run_again({**run, "state_type": "CRASHED"}, now)

    @property
    def _watched_for(self) -> timedelta:
        return timedelta(seconds=self.clock.monotonic() - (self._since or 0.0))

    def _seen(self, run: Run, sights: Mapping[str, Sight]) -> Seen:
        state, sight = run["state_type"], sights.get(run["id"])
        since = datetime.fromisoformat(run["state"]["timestamp"])
        missed = self.gone.get(run["id"])
        old = self.clock.now() - since
        unseen = state == "RUNNING" and sight is None and old > self.patience.silence
        return Seen(
            state=state,
            since=since,
            sight=sight,
            gone_for=timedelta(seconds=self.clock.monotonic() - missed) if missed is not None else timedelta(),
            last_beat=self.last_beat(run) if unseen else None,
            starts_at_once=state != "PENDING" or old < self.patience.pending or self._is_process(run),
        )

    def last_beat(self, run: Run) -> datetime | None:
        """Return when the server last heard of a run."""
        since = self.clock.now() - timedelta(days=1)
        beats = {
            "event": {"name": [_HEARTBEAT]},
            "resource": {"id": [f"prefect.flow-run.{run['id']}"]},
            "occurred": {"since": since.isoformat()},
        }
        found = self.server.post("/events/filter", {"filter": beats, "limit": 1})["events"]
        return datetime.fromisoformat(found[0]["occurred"]) if found else None

    def _is_process(self, run: Run) -> bool:
        pool = run["work_pool_name"]
        return pool is not None and self.server.get(f"/work_pools/{pool}")["type"] == _PROCESSES

    def _set_state(self, kind: str, run: Run, ending: Ending) -> None:
        state = {"type": ending.type, "name": ending.name, "message": ending.message}
        self.server.post(f"/{kind}/{run['id']}/set_state", {"state": state, "force": False})

    def _crash_tasks(self, run: Run) -> None:
        """Its tasks are as dead as it is, and hold slots of their own."""
        wanted = {"flow_runs": {"id": {"any_": [run["id"]]}}, "task_runs": {"state": {"type": {"any_": ACTIVE}}}}
        for task in self.server.all("/task_runs/filter", wanted):
            self._set_state("task_runs", task, Ending("CRASHED", "Crashed", "The run that it belongs to is dead."))

    def _repeats(self, run: Run) -> bool:
        return bool(run["deployment_id"]) and self._flow(run) in SAFE

    def _run_again(self, run: Run, now: datetime) -> Iterable[str]:
        if not self._repeats(run):
            return
        id_ = {"any_": [run["deployment_id"]]}
        found = self.server.post("/deployments/filter", {"deployments": {"id": id_}})
        if not found or found[0]["paused"]:
            return
        same = {"flow_runs": {"deployment_id": id_}, "sort": "EXPECTED_START_TIME_DESC"}
        at = due(run, self.server.post("/flow_runs/filter", same), now, self.again)
        if at is None:
            return
        made = self.server.post(f"/deployments/{run['deployment_id']}/create_flow_run", _repeated(run, at))
        yield f"{run['name']} ({run['id']}) crashed and is run again as {made['name']} ({made['id']})."

    def _flow(self, run: Run) -> str:
        flow = run["flow_id"]
        if flow not in self._flows:
            self._flows[flow] = self.server.get(f"/flows/{flow}")["name"]
        return self._flows[flow]


def _repeated(run: Run, at: datetime) -> dict[str, Any]:
    said = f"{run['name']} ({run['id']}) crashed, and is run again."
    return {
        "state": {"type": "SCHEDULED", "message": said, "state_details": {"scheduled_time": at.isoformat()}},
        **{what: run[what] for what in ("parameters", "job_variables", "work_queue_name")},
        "tags": tags_of(run),
        "idempotency_key": key_of(run),
    }
