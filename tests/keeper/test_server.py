"""The Prefect server as the keeper asks it: whatever answers, the keeper has a sentence to say, and goes on."""

from datetime import UTC, datetime, timedelta

import pytest

from datastream.clock import ManualClock
from deployments.keeper import Server
from deployments.prefect_api import NotPrefect, PrefectAway, PrefectRefused
from tests.fake_api import FakeApi, Response
from tests.flows.conftest import Project


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ((302, {"Location": "https://elsewhere.example/api"}, b""), PrefectRefused, "answers 302 to POST"),
        ((200, {}, b"<html>Who are you?</html>"), NotPrefect, "is no Prefect server: what it says is no JSON"),
        ((429, {}, b""), PrefectAway, "answers 429 to POST"),
        ((503, {}, b"locked"), PrefectAway, "answers 503 to POST"),
    ],
)
def test_what_is_no_answer_of_a_prefect_server_is_a_sentence(
    api: FakeApi, answer: Response, error: type[Exception], said: str
) -> None:
    api.fault = lambda _target: answer
    server = Server(api.url)
    with pytest.raises(error, match=said):
        server.all("/flow_runs/filter", {})
    server.close()


def test_the_time_is_the_servers_however_wrong_our_own_clock_is(project: Project) -> None:
    """What it says of runs is by its clock; by ours a run that has just begun would be late by minutes."""
    for wrong in (timedelta(minutes=-10), timedelta(minutes=10)):
        server = Server(project.prefect_api, clock=ManualClock(datetime.now(UTC) + wrong))
        server.get("/health")
        assert abs(server.now() - datetime.now(UTC)) < timedelta(minutes=1)
        server.close()
