"""The server forgets, by itself and from the start, what is older than 30 days: counted in its own database."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from tests.keeper.conftest import Patient, soon

LINES = 1000


@dataclass
class Kept:
    """A server that looks for what is old every two seconds instead of every hour, and its database."""

    server: Patient
    file: Path

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.file, timeout=30)) as db, db:
            return db.execute(statement, values).fetchall()


@pytest.fixture
def kept(prefect_home: Path, server: Patient) -> Kept:
    return Kept(server, prefect_home / "prefect.db")


def ran(kept: Kept, key: str, age: timedelta) -> str:
    """Have a run be there that ended so long ago, with a task, log lines, an artifact and an event; return its id."""
    server, at = kept.server, datetime.now(UTC) - age
    flow = server.post("/flows/", {"name": "old"})["id"]
    run: str = server.post("/flow_runs/", {"flow_id": flow, "state": {"type": "RUNNING"}})["id"]
    server.post(f"/flow_runs/{run}/set_state", {"state": {"type": "COMPLETED"}, "force": True})
    server.post("/task_runs/", {"flow_run_id": run, "task_key": "t", "dynamic_key": "0", "state": {"type": "RUNNING"}})
    line = {"name": "prefect.flow_runs", "level": 20, "timestamp": at.isoformat(), "flow_run_id": run}
    for _ in range(LINES // 100):
        server.post("/logs/", [{**line, "message": f"{key} " * 100}] * 100)
    server.post("/artifacts/", {"key": key, "type": "markdown", "data": "# Old", "flow_run_id": run})
    kept.sql("update flow_run set end_time = ? where id = ?", f"{at:%Y-%m-%d %H:%M:%S.%f}", run)
    return run


def told(kept: Kept, age: timedelta) -> str:
    """Have an event be there that occurred so long ago, and return its id."""
    id_, resource = str(uuid4()), {"prefect.resource.id": "old.news"}
    now = datetime.now(UTC)
    kept.server.post("/events", [{"id": id_, "occurred": now.isoformat(), "event": "old.news", "resource": resource}])
    soon(lambda: kept.sql("select 1 from events where id = ?", id_))
    at = f"{now - age:%Y-%m-%d %H:%M:%S.%f}"
    kept.sql("update event_resources set occurred = ? where event_id = ?", at, id_)
    kept.sql("update events set occurred = ? where id = ?", at, id_)
    return id_


def there(kept: Kept, run: str) -> dict[str, object]:
    """Count what is there of a run."""
    of_run = ("flow_run_state", "task_run", "log", "artifact")
    counted = {table: kept.sql(f"select count(*) from {table} where flow_run_id = ?", run)[0][0] for table in of_run}
    return {"flow_run": kept.sql("select count(*) from flow_run where id = ?", run)[0][0], **counted}


def test_what_ended_31_days_ago_goes_with_all_that_belongs_to_it_and_what_ended_29_days_ago_stays(kept: Kept) -> None:
    young = ran(kept, "young", timedelta(days=29))
    old = ran(kept, "old", timedelta(days=31))
    soon(lambda: set(there(kept, old).values()) == {0})
    assert all(there(kept, young).values())
    soon(lambda: kept.sql("select key from artifact_collection where key in ('old', 'young')") == [("young",)])


def test_events_of_31_days_ago_go_and_those_of_29_days_ago_stay(kept: Kept) -> None:
    young, _ = told(kept, timedelta(days=29)), told(kept, timedelta(days=31))
    soon(lambda: kept.sql("select id from events where event = 'old.news'") == [(young,)])
    soon(lambda: kept.sql("select event_id from event_resources where resource_id = 'old.news'") == [(young,)])


def test_the_space_of_what_went_is_used_again(kept: Kept) -> None:
    """The file does not become smaller, and does not grow either."""

    def fill() -> int:
        run = ran(kept, "old", timedelta(days=31))
        soon(lambda: there(kept, run)["log"] == 0)
        return int(str(kept.sql("pragma page_count")[0][0]))

    first, *others = (fill() for _ in range(4))
    assert max(others) <= first * 1.1
