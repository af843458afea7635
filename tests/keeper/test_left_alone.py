"""What the keeper leaves alone: other projects' runs, and whoever it cannot see well enough to judge."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr

from datastream.buffers.connection import connect
from datastream.buffers.presence import in_sight
from datastream.clock import ManualClock
from datastream.connections import BufferConfig
from deployments.keeper import Repair, Server
from deployments.stack.waiting import wait_until
from tests.flows.conftest import Project
from tests.keeper.conftest import HASTY, Deployed, Patient, by_hand, deploy, remove, soon
from tests.keeper.test_repair import BLOCKED, begun, working

NOWHERE = BufferConfig(url=SecretStr("redis://127.0.0.1:9/0"))


@pytest.mark.usefixtures("deployed")
def test_other_projects_runs_may_take_long_to_begin_and_are_not_repeated(server: Patient, repair: Repair) -> None:
    """They clone and install before their first step, and a backfill of theirs may do harm when it is repeated."""
    server.post("/work_pools/", {"name": "theirs", "type": "process"})
    slow, crashed = deploy(server, "slow", work_pool_name="theirs"), deploy(server, "b", entrypoint="b.py:backfill")
    try:
        for deployment, type_ in ((slow, "PENDING"), (crashed, "CRASHED")):
            server.post(f"/flow_runs/{deployment.start()}/set_state", {"state": {"type": type_}, "force": True})
        assert not wait_until(lambda: bool(repair.look()), 3 * HASTY.pending)
    finally:
        for deployment in (slow, crashed):
            remove(server, deployment)
        server.delete("/work_pools/theirs")


def test_a_run_that_has_just_begun_is_not_late_by_a_clock_that_is_wrong(
    project: Project, server: Patient, deployed: Deployed
) -> None:
    clock = ManualClock(datetime.now(UTC) + timedelta(minutes=10))
    repair = Repair(Server(project.prefect_api, clock=clock), None, clock)
    server.post(f"/flow_runs/{deployed.start()}/set_state", {"state": {"type": "PENDING"}})
    assert repair.look() == []
    clock.advance(2 * repair.patience.pending)
    assert repair.look() == []
    repair.server.close()


def test_while_the_buffer_does_not_answer_nobody_is_dead_by_silence(
    project: Project, server: Server, repair: Repair, tmp_path: Path
) -> None:
    """A run that is busy in C for minutes can be seen by its connection only."""
    end = tmp_path / "end"
    with by_hand(project, working(end, does=BLOCKED)) as process, connect(NOWHERE, "keeper") as away:
        begun(server, process)
        repair.client = away
        assert not wait_until(lambda: bool(repair.look()), 2 * HASTY.silence)
        end.touch()
        process.wait()


def test_after_the_buffer_gave_no_answer_nobody_is_judged_until_all_had_time_to_connect_again(
    project: Project, server: Server, client: redis.Redis, deployed: Deployed
) -> None:
    soon(lambda: client.info("server")["uptime_in_seconds"] >= 1)
    clock, dead = ManualClock(), deployed.start()
    server.post(f"/flow_runs/{dead}/set_state", {"state": {"type": "RUNNING"}, "force": True})
    with in_sight(BufferConfig(url=SecretStr(project.redis_url)), dead):
        pass
    hasty = replace(HASTY, gone=timedelta(), settled=timedelta(seconds=1))
    with connect(NOWHERE, "keeper") as away:
        repair = Repair(server, away, clock, hasty)
        assert repair.look() == []
    repair.client = client
    clock.advance(hasty.settled / 2)
    assert repair.look() == []
    clock.advance(hasty.settled / 2)
    assert "is CRASHED: The process of this run is gone" in repair.look()[0]
