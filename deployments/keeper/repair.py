"""Puts right what dead runs left behind: their state, that of their tasks, and their work.

A run that was called crashed and lives after all is not stopped by that: the server lets it go on and say how it ended,
and what was run again in its place finds the lease taken, or the work done.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import redis

from datastream.buffers.presence import Ending, Sight, seen
from datastream.clock import Clock
from datastream.errors import DatastreamError
from deployments import POOL
from deployments.keeper.rerun import SAFE, Again, attempt_of, due, is_ours, key_of, tags_of
from deployments.keeper.server import Server
from deployments.keeper.zombies import ACTIVE, Patience, Seen, judged
from deployments.prefect_api import PrefectAway, PrefectRefused

if TYPE_CHECKING:
    from redis import Redis

_HEARTBEAT = "prefect.flow-run.heartbeat"
_PROCESSES = "process"
_NOT_AGAIN = "It is not run again: its deployment is paused, another run takes its place, or it crashed each time."

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
    _blind_until: float = 0.0
    _flows: dict[str, str] = field(default_factory=dict)

    def look(self) -> list[str]:
        """Put right what can be told to be wrong, and return a sentence about each.

        Raises PrefectAway, and PrefectRefused when all else is done.
        """
        try:
            found = self._found()
        except DatastreamError:
            self._nobody_answers()
            raise
        if self._since is None:
            self._since = self.clock.monotonic()
        sights = self._sights(found)
        said: list[str] = []
        refused: DatastreamError | None = None
        for run in found:
            try:
                said += self._put_right(run, sights)
            except PrefectRefused as error:  # of a run that was deleted meanwhile, say; the others are not held up
                refused = error
            except PrefectAway as error:
                refused = error
                break
        if refused is not None and not said:  # what was done is told first; the next look says it again
            raise refused
        return said

    def _nobody_answers(self) -> None:
        """Begin to count anew: while nobody answers, nobody's silence counts."""
        self._since = None
        self.gone.clear()

    def _found(self) -> list[dict[str, Any]]:
        under_way = {"state": {"type": {"any_": ACTIVE}}}
        lately = (self.server.now() - self.again.within).isoformat()
        crashed = {"state": {"type": {"any_": ["CRASHED"]}}, "end_time": {"after_": lately}}
        asked = ({"flow_runs": wanted} for wanted in (under_way, crashed))
        return [run for wanted in asked for run in self.server.all("/flow_runs/filter", wanted)]

    def _sights(self, found: Iterable[Run]) -> Mapping[str, Sight]:
        """Return what is seen of runs, and remember whose process is gone."""
        runs, sights = [run["id"] for run in found], None
        now = self.clock.monotonic()
        if self.client is not None:
            try:
                sights = seen(self.client, runs, self.patience.settled)
            except redis.RedisError:
                self._nobody_answers()
                self._blind_until = now + self.patience.settled.total_seconds()
        if now < self._blind_until:  # who lives may not have connected again yet
            sights = None
        missed = {run for run, sight in (sights or {}).items() if not sight.connected}
        self.gone = {run: self.gone.get(run, now) for run in missed}
        return sights or {}

    def _put_right(self, run: Run, sights: Mapping[str, Sight]) -> Iterable[str]:
        now, sight = self.server.now(), sights.get(run["id"])
        ending = judged(self._seen(run, sight), now, self._watched_for, self.patience)
        left_word = sight is not None and sight.ending.type
        if ending is None and (run["state_type"] != "CRASHED" or left_word):
            return
        crashed = ending is None or ending.type == "CRASHED"
        again = self._again(run, now) if crashed else None
        if ending is not None:
            if crashed:
                ending = Ending(ending.type, ending.name, f"{ending.message} {self._comforted(run, again)}")
                self._crash_tasks(run)
            if not self._set_state("flow_runs", run, ending):
                return  # it ended meanwhile, and said so itself
            yield f"{run['name']} ({run['id']}) was {run['state_type']} and is {ending.type}: {ending.message}"
        if again is not None:
            made = self.server.post(f"/deployments/{run['deployment_id']}/create_flow_run", again)
            yield f"{run['name']} ({run['id']}) crashed and is run again as {made['name']} ({made['id']})."

    @property
    def _watched_for(self) -> timedelta:
        now = self.clock.monotonic()
        return timedelta(seconds=now - (now if self._since is None else self._since))

    def _seen(self, run: Run, sight: Sight | None) -> Seen:
        state = run["state_type"]
        since = datetime.fromisoformat(run["state"]["timestamp"])
        missed = self.gone.get(run["id"])
        old = self.server.now() - since
        unseen = state == "RUNNING" and sight is None and old > self.patience.silence
        return Seen(
            state=state,
            since=since,
            sight=sight,
            gone_for=timedelta(seconds=self.clock.monotonic() - missed) if missed is not None else timedelta(),
            beats=self.beats(run) if unseen else (),
            starts_at_once=state != "PENDING" or old < self.patience.pending or self._is_process(run),
        )

    def beats(self, run: Run) -> tuple[datetime, ...]:
        """Return when the server last heard of a run, and when before that."""
        since = self.server.now() - timedelta(days=1)
        beats = {
            "event": {"name": [_HEARTBEAT]},
            "resource": {"id": [f"prefect.flow-run.{run['id']}"]},
            "occurred": {"since": since.isoformat()},
        }
        found = self.server.post("/events/filter", {"filter": beats, "limit": 2})["events"]
        return tuple(datetime.fromisoformat(each["received"]) for each in found)

    def _is_process(self, run: Run) -> bool:
        """Tell whether a run begins within seconds: in other projects' pools it may clone and install first."""
        return bool(run["work_pool_name"] == POOL and self.server.get(f"/work_pools/{POOL}")["type"] == _PROCESSES)

    def _set_state(self, kind: str, run: Run, ending: Ending) -> bool:
        """Set a state, and tell whether the server took it."""
        state = {"type": ending.type, "name": ending.name, "message": ending.message}
        answer = self.server.post(f"/{kind}/{run['id']}/set_state", {"state": state, "force": False})
        return bool(answer["status"] == "ACCEPT")

    def _crash_tasks(self, run: Run) -> None:
        """Its tasks are as dead as it is, and hold slots of their own."""
        wanted = {"flow_runs": {"id": {"any_": [run["id"]]}}, "task_runs": {"state": {"type": {"any_": ACTIVE}}}}
        for task in self.server.all("/task_runs/filter", wanted):
            self._set_state("task_runs", task, Ending("CRASHED", "Crashed", "The run that it belongs to is dead."))

    def _repeats(self, run: Run) -> bool:
        return bool(run["deployment_id"]) and self._flow(run) in SAFE

    def _comforted(self, run: Run, again: Mapping[str, Any] | None) -> str:
        if again is not None:
            after = "It is run again: repeating it is safe."
        else:
            after = _NOT_AGAIN if self._repeats(run) else "Run it again by hand."
        return f"Nothing that was committed is lost. {after}"

    def _again(self, run: Run, now: datetime) -> dict[str, Any] | None:
        """Return the run that repeats a crashed one, to be made; None where none is to be."""
        if not self._repeats(run):
            return None
        id_ = {"any_": [run["deployment_id"]]}
        found = self.server.post("/deployments/filter", {"deployments": {"id": id_}})
        if not found or found[0]["paused"] or not is_ours(self._flow(run), found[0]["entrypoint"]):
            return None
        same = {"flow_runs": {"deployment_id": id_}, "sort": "EXPECTED_START_TIME_DESC"}
        others = self.server.post("/flow_runs/filter", same)
        at = due(run, others, now, self.again)
        return None if at is None else _repeated(run, at, attempt_of(run, others) + 1, len(self.again.after))

    def _flow(self, run: Run) -> str:
        flow = run["flow_id"]
        if flow not in self._flows:
            self._flows[flow] = self.server.get(f"/flows/{flow}")["name"]
        return self._flows[flow]


def _repeated(run: Run, at: datetime, attempt: int, most: int) -> dict[str, Any]:
    last = " If it crashes too, it is not repeated: see in its log why." if attempt == most else ""
    said = f"{run['name']} ({run['id']}) crashed, and is run again: attempt {attempt} of {most}.{last}"
    return {
        "state": {"type": "SCHEDULED", "message": said, "state_details": {"scheduled_time": at.isoformat()}},
        **{what: run[what] for what in ("parameters", "job_variables", "work_queue_name")},
        "tags": tags_of(run, attempt),
        "idempotency_key": key_of(run),
    }
