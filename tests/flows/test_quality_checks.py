"""The flow `quality-checks` on a real Prefect server: a line a check, and a sentence where one is not met."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from deployments.stack.waiting import wait_until
from tests.conftest import order, orders
from tests.flows.conftest import Project, python
from tests.prefect_api import ask


def test_a_check_that_is_not_met_fails_the_run_with_a_sentence_and_is_an_event(project: Project) -> None:
    since_now = {"event": {"prefix": ["datastream.incident-"]}, "occurred": {"since": datetime.now(UTC).isoformat()}}
    project.load(*orders(90), *(order(n, amount=None) for n in range(100, 110)))
    project.stream("suite:", "quality: {fresh_within: PT1H, quarantined_at_most: 0.05}\nsuite:")
    done = project.by_itself("quality_checks")
    run, table = project.last_run, project.artifacts["orders-checks"]["data"]
    assert (done.returncode, run["state_type"]) == (1, "FAILED")
    assert "not met: quarantined: 10.00% of the rows of 1 d (expected: at most 5.00%)" in run["state"]["message"]
    assert run["state"]["message"] in done.stderr.splitlines()
    for check, result in (("freshness", "met"), ("volume", "not judged"), ("quarantined", "not met")):
        assert f'"check": "{check}"' in table
        assert f'"result": "{result}"' in table
    assert '"incident": "orders/quarantined/1"' in table
    assert wait_until(lambda: project.ask("/events/filter", filter=since_now)["total"] > 0, timedelta(seconds=10))
    [event] = project.ask("/events/filter", filter=since_now)["events"]
    assert event["event"] == "datastream.incident-opened"
    assert event["resource"]["prefect.resource.id"] == "datastream.stream.orders"
    assert event["payload"]["said"].startswith("10.00% of the rows of 1 d")


@pytest.mark.full
def test_what_the_stream_file_expects_nothing_of_is_told_and_not_judged(project: Project) -> None:
    project.load(*orders(90))
    done = project.run(flow="quality_checks")
    assert (done.returncode, project.last_run["state_type"]) == (0, "COMPLETED"), done.stderr
    assert "not judged: volume: 90 rows loaded in 1 d" in done.stderr
    assert "streams/orders.yaml expects nothing under `quality`" in project.last_run["state"]["message"]


@pytest.fixture
def deployment(project: Project) -> Iterator[str]:
    """The deployment `etl-pipeline/orders`, to be run once an hour."""
    flow = project.ask("/flows/", name="etl-pipeline")["id"]
    hourly = {"schedule": {"interval": 3600}, "active": True}
    made = project.ask("/deployments/", name="orders", flow_id=flow, schedules=[hourly])["id"]
    yield made
    ask("DELETE", f"{project.prefect_api}/deployments/{made}")


def test_the_server_is_asked_when_a_run_of_the_schedule_completed_last(project: Project, deployment: str) -> None:
    def known() -> list[str]:
        code = "from tasks.schedule import schedule_of; s = schedule_of('orders')"
        said = "print(s.told, s.most, s.completed, s.since)"
        return python(project.environment, code, said, "print(schedule_of('flights'))")

    def runs() -> list[dict]:
        return project.ask("/flow_runs/filter", deployments={"id": {"any_": [deployment]}})

    never, nothing = known()
    assert (never.startswith("every 1 h 3:00:00 None 2"), nothing) == (True, "None")
    for kinds in (("RUNNING", "COMPLETED"), ("RUNNING", "FAILED")):
        run = project.ask(f"/deployments/{deployment}/create_flow_run")["id"]
        for kind in kinds:
            project.ask(f"/flow_runs/{run}/set_state", state={"type": kind}, force=True)
    [completed] = [run for run in runs() if run["state_type"] == "COMPLETED"]
    at = datetime.fromisoformat(completed["end_time"])
    assert known()[0].startswith(f"every 1 h 3:00:00 {at}")


def test_the_page_is_written_after_the_checks_and_links_to_their_run(project: Project) -> None:
    project.load(*orders(90), order(100, amount=None))
    done = project.run(flow="quality_checks")
    page = (project.folder / "lake" / "_report" / "quality.html").read_text()
    assert (done.returncode, "amount not null" in page) == (0, True), done.stderr
    assert f'/runs/flow-run/{project.last_run["id"]}"' in page
    assert (
        str(project.folder / "lake" / "_report" / "quality.html") in (project.artifacts["orders-checks"]["description"])
    )


def test_a_page_that_cannot_be_written_fails_no_run(project: Project) -> None:
    project.load(*orders(90))
    (project.folder / "lake" / "_report").write_text("in the way")
    done = project.run(flow="quality_checks")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert "The quality page was not written" in done.stderr


def test_an_unknown_stream_is_a_sentence(project: Project) -> None:
    done = project.run("oders", flow="quality_checks")
    assert (done.returncode, "Did you mean 'orders'?" in done.stderr, "Traceback" in done.stderr) == (1, True, False)
