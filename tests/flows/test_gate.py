"""A run's verdict is an event, and the automation that is shipped as an example pauses a stream whose gate fails."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deployments.stack.waiting import wait_until
from tests.conftest import order, orders
from tests.fake_api import FakeApi
from tests.flows.conftest import ROOT, Project, python
from tests.prefect_api import ask

GATE = ROOT / "deployments/automations/quality_gate.yaml"


def verdicts(project: Project, since: str, expected: int) -> list[dict[str, Any]]:
    wanted = {"event": {"name": ["datastream.verdict"]}, "occurred": {"since": since}}
    assert wait_until(
        lambda: project.ask("/events/filter", filter=wanted)["total"] >= expected, timedelta(seconds=20)
    )  # fmt: skip
    found: list[dict[str, Any]] = project.ask("/events/filter", filter=wanted)["events"]
    return sorted(found, key=lambda event: event["occurred"])


def test_each_run_that_read_something_tells_its_verdict(project: Project, api: FakeApi) -> None:
    project.stream("suite:", "on_failure: {warning: hold}\nsuite:")
    since = datetime.now(UTC).isoformat()
    later = "2026-12-31T00:00:00Z"
    for records in (orders(3), [order(700, amount=None, at=later)], [order(701, amount=5000, at=later)]):
        api.records += records
        assert project.run().returncode == 0
    told = verdicts(project, since, 3)
    assert [event["resource"]["datastream.verdict"] for event in told] == ["met", "failed", "held"]
    assert [event["payload"]["rows_quarantined"] for event in told] == [0, 1, 1]
    assert all(any(each["prefect.resource.role"] == "flow-run" for each in event["related"]) for event in told)


@pytest.fixture
def gate(project: Project) -> Project:
    """The automation on the server, and a deployment to pause."""
    command = [Path(sys.executable).with_name("prefect"), "automation", "create", "--from-file", GATE]
    done = subprocess.run(
        command, env={**project.environment, "PATH": "/usr/bin:/bin", "PREFECT_HOME": str(project.folder / "prefect")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return project


def test_three_failed_gates_pause_the_deployment(gate: Project) -> None:
    flow = gate.ask("/flows/", name="gated")
    deployment = gate.ask("/deployments/", name="orders", flow_id=flow["id"])["id"]
    related = [{"prefect.resource.id": f"prefect.deployment.{deployment}", "prefect.resource.role": "deployment"}]
    python(
        {**gate.environment},
        "from prefect.events import emit_event",
        "for word in ('failed', 'met', 'held', 'failed'):",
        "    resource = {'prefect.resource.id': 'datastream://lake/orders', 'datastream.verdict': word}",
        f"    emit_event(event='datastream.verdict', resource=resource, related={related})",
    )

    def paused() -> bool:
        url = f"{gate.prefect_api}/deployments/{deployment}"
        return bool(ask("GET", url)["paused"])

    assert wait_until(paused, timedelta(seconds=30))
