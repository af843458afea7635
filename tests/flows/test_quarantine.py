"""The flows `replay-quarantine` and `release-quarantine` on a real Prefect server."""

import json
import os
import signal

from tests.commands import DATASTREAM, run
from tests.conftest import order, orders
from tests.flows.conftest import Project


def test_a_replay_tells_what_became_of_the_rows(project: Project) -> None:
    project.load(*orders(3), order(4, amount=None))
    done = project.run("orders", "id = 4", flow="replay_quarantine")
    assert (done.returncode, project.last_run["state_type"]) == (0, "COMPLETED"), done.stderr
    assert project.last_run["state"]["message"] == (
        "0 of 1 rows of 'orders' were loaded from quarantine; 1 stay, by what they break today: amount not null (1)."
    )
    assert "stay: amount not null" in project.artifacts["orders-replay"]["data"]


def test_a_held_claim_is_released(project: Project) -> None:
    project.stream("suite:", "on_failure: {warning: hold}\nsuite:")
    project.load(*orders(3), order(4, amount=5000))
    done = project.run("orders", "0-000000000001", flow="release_quarantine")
    assert (done.returncode, project.last_run["state_type"]) == (0, "COMPLETED"), done.stderr
    assert project.last_run["state"]["message"] == "4 of 4 rows of 'orders' were loaded from quarantine."


def test_what_a_killed_replay_decided_is_committed_by_the_next_run(project: Project) -> None:
    """Whoever asked for it may never ask again, and `lake forget` waits for it."""
    project.load(*orders(3), order(4, amount=None))
    env = {**os.environ, **project.environment, "CRASH_AT": "write.before"}
    del env["DATASTREAM_REDIS_URL"]  # the dead one's lease would have to run out first
    killed = run(DATASTREAM, "quarantine", "replay", "orders", "--set", "amount=7", env=env)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    done = project.run()
    assert done.returncode == 0, done.stderr
    counted = json.loads(project.command("lake", "count", "orders", "--json").stdout)
    assert (counted["loaded"], counted["quarantined"]) == (4, 0)
