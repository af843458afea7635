"""What a server remembers of a time when its stack was down, put right before a worker begins.

Runs that the schedule planned for that time are forgotten: the next one takes everything that waits, and twenty late
ones at once would only find nothing. Runs that were cut off with the stack are told apart from runs that run.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from datastream.errors import Transient
from datastream.resilience import RetryPolicy
from deployments.stack.answers import ask

_AT_ONCE = 200
_FINE = {200, 201, 204}
_PATIENCE = RetryPolicy(attempts=5)  # on SQLite a server answers 503 while it plans the next runs itself


class ServerSaysNo(Transient):
    """The server would not do what has to be done before a worker begins."""


def put_right(port: int, pool: str) -> None:
    """Forget the scheduled runs that were missed, and call the runs of the pool crashed that nobody runs any more.

    No worker of the pool may be running. Runs that a person asked for are left to be run.
    """
    late = {"state": {"type": {"any_": ["SCHEDULED"]}}, "expected_start_time": {"before_": _now()}}
    for run in _runs(port, pool, late):
        if run["auto_scheduled"]:
            _ask(port, "DELETE", f"/flow_runs/{run['id']}")
    cut_off = {"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}}
    crashed = {"type": "CRASHED", "message": "The stack was stopped while this ran. Nothing is lost: run it again."}
    for run in _runs(port, pool, cut_off):
        _ask(port, "POST", f"/flow_runs/{run['id']}/set_state", {"state": crashed, "force": True})


def _runs(port: int, pool: str, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    pools = {"name": {"any_": [pool]}}
    found: list[dict[str, Any]] = []
    while batch := _ask(
        port,
        "POST",
        "/flow_runs/filter",
        {"flow_runs": wanted, "work_pools": pools, "limit": _AT_ONCE, "offset": len(found)},
    ):
        found += batch
    return found


def _ask(port: int, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    return _PATIENCE.call(lambda: _asked(port, method, path, body))


def _asked(port: int, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
    status, answer = ask(port, method, f"/api{path}", body)
    if status not in _FINE:
        raise ServerSaysNo(
            f"The Prefect server on port {port} answered {status or 'nothing'} to {method} {path}, so the worker was "
            "not started. Start the stack again; if it stays so, look into .datastream/logs/prefect.log."
        )
    return answer


def _now() -> str:
    return datetime.now(UTC).isoformat()
