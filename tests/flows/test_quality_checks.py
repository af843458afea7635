"""The flow `quality-checks` on a real Prefect server: a line a check, and a sentence where one is not met."""

import pytest

from tests.conftest import order, orders
from tests.flows.conftest import Project


def test_a_check_that_is_not_met_fails_the_run_with_a_sentence(project: Project) -> None:
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


@pytest.mark.full
def test_what_the_stream_file_expects_nothing_of_is_told_and_not_judged(project: Project) -> None:
    project.load(*orders(90))
    done = project.run(flow="quality_checks")
    assert (done.returncode, project.last_run["state_type"]) == (0, "COMPLETED"), done.stderr
    assert "not judged: volume: 90 rows loaded in 1 d" in done.stderr
    assert "streams/orders.yaml expects nothing under `quality`" in project.last_run["state"]["message"]


def test_an_unknown_stream_is_a_sentence(project: Project) -> None:
    done = project.run("oders", flow="quality_checks")
    assert (done.returncode, "Did you mean 'orders'?" in done.stderr, "Traceback" in done.stderr) == (1, True, False)
