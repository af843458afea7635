"""A run that loads rows materializes the stream's asset on a real Prefect server, once."""

from datetime import UTC, datetime, timedelta

from deployments.stack.waiting import wait_until
from tests.conftest import orders
from tests.fake_api import FakeApi
from tests.flows.conftest import Project

ROWS = {"id": ["datastream://lake/orders"]}


def test_a_run_that_loads_rows_materializes_their_asset_and_one_that_loads_none_does_not(
    project: Project, api: FakeApi
) -> None:
    """The first run commits a duplicate, which changes nothing for who reads the rows."""
    loaded = {"name": ["prefect.asset.materialization.succeeded"]}
    since_now = {"resource": ROWS, "event": loaded, "occurred": {"since": datetime.now(UTC).isoformat()}}
    api.records = orders(1)
    project.load(*api.records)
    assert project.run().returncode == 0
    api.records = orders(700)
    assert project.run().returncode == 0
    assert len(list(project.folder.glob("lake/_log/**/*.json"))) == 4
    assert wait_until(lambda: project.ask("/events/filter", filter=since_now)["total"] > 0, timedelta(seconds=10))
    [event] = project.ask("/events/filter", filter=since_now)["events"]
    told = event["payload"]
    assert event["event"] == "prefect.asset.materialization.succeeded"
    assert (told["rows_loaded"], told["rows_quarantined"], told["commits"], told["suite_met"]) == (699, 0, 2, True)
    assert any(resource["prefect.resource.role"] == "flow-run" for resource in event["related"])
