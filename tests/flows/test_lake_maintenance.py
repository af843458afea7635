"""The flow `lake-maintenance` on a real Prefect server: what was done is a table."""

from tests.conftest import orders
from tests.flows.conftest import Project


def test_maintenance_tells_what_it_did(project: Project) -> None:
    project.load(*orders(90))
    project.load(*orders(180))
    project.stream("suite:", "compact: {after: PT0S}\nsuite:")
    done = project.by_itself("lake_maintenance")
    assert (done.returncode, project.last_run["state_type"]) == (0, "COMPLETED"), done.stderr
    table = project.artifacts["orders-maintenance"]["data"]
    assert "files became" in table
    assert "every file that counts is there" in table
    assert "files became" in project.last_run["state"]["message"]
