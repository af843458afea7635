"""Loads start when enough waits: the pacer's event, the shipped automation, and the run that it makes."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis
from pydantic import SecretStr

from datastream.buffers import Delivery, lane_of
from datastream.buffers.redis import open_buffer
from datastream.catalog import Catalog
from datastream.clock import ManualClock, SystemClock
from datastream.connections import BufferConfig
from deployments.keeper import Pacer, Server
from deployments.keeper.server import PrefectAway
from tests.flows.conftest import ROOT, Project, python
from tests.keeper.conftest import Deployed, Patient, deploy, remove, soon
from tests.posts import SECRET

POSTED = """
name: %s
source: {kind: webhook, block: {secrets: ["%s"]}}
suite: orders
batch: {size: 5, interval: PT1M}
"""
ASKED = "datastream:asked:posted"


REGISTER = """
from pathlib import Path
from prefect.events.schemas.automations import AutomationCore
from deployments.deploying.automations import read
from deployments.prefect_api import prefect_client
made = AutomationCore.model_validate(read(Path(%r))[0]["batch-ready"])
with prefect_client() as client:
    client.read_automations_by_name(made.name) or client.create_automation(made)
"""


@pytest.fixture
def posted(project: Project, server: Patient, deployed: Deployed) -> Iterator[Deployed]:
    """Two streams that are posted, the automation, and the deployment that loads the first; `orders` has the other."""
    assert deployed.id
    for name in ("posted", "orders"):
        (project.folder / "streams" / f"{name}.yaml").write_text(POSTED % (name, SECRET))
    register(project)
    found = deploy(server, "posted")
    yield found
    remove(server, found)


def register(project: Project) -> None:
    python({**project.environment, "PREFECT_HOME": str(project.folder / "prefect")}, REGISTER % str(ROOT))


def post(project: Project, count: int, stream: str = "posted") -> None:
    with open_buffer(BufferConfig(url=SecretStr(project.redis_url))) as buffer:
        deliveries = [Delivery(uuid.uuid4().hex, b"{}") for _ in range(count)]
        buffer.append(lane_of(stream), deliveries, timedelta(days=1))


@pytest.fixture
def pacer(project: Project, server: Server, client: redis.Redis) -> Iterator[Pacer]:
    with open_buffer(BufferConfig(url=SecretStr(project.redis_url))) as buffer:
        yield Pacer(server, Catalog(project.folder / "streams"), buffer, client, SystemClock())


def test_a_stream_of_which_enough_waits_is_loaded_at_once_and_no_other(
    project: Project, posted: Deployed, deployed: Deployed, pacer: Pacer
) -> None:
    post(project, 4)
    assert pacer.look() == []
    post(project, 1)
    assert pacer.look() == ["posted"]
    soon(posted.runs)
    [run] = posted.runs()
    assert (run["parameters"], run["auto_scheduled"]) == ({"stream": "posted"}, False)
    assert deployed.runs() == []


def test_runs_do_not_pile_up_while_one_is_on_the_way(project: Project, posted: Deployed, pacer: Pacer) -> None:
    """No worker takes it; and the time after which a failed one is asked for again is long over."""
    post(project, 5)
    run = posted.start()
    assert pacer.look() == []
    assert pacer.look(gone=[run]) == ["posted"], "a dead run is nobody"


@pytest.mark.parametrize(
    ("ending", "again"),
    [
        ({"type": "FAILED", "name": "Failed"}, []),
        ({"type": "COMPLETED", "name": "Yielded"}, []),
        ({"type": "COMPLETED", "name": "Completed"}, ["posted"]),
    ],
)
def test_it_is_asked_again_at_once_after_a_run_that_did_well_and_else_when_the_interval_is_over(
    project: Project, posted: Deployed, pacer: Pacer, server: Server, ending: dict[str, str], again: list[str]
) -> None:
    """A run that yields loads nothing: while somebody holds the lane for hours, one would follow the other."""
    post(project, 5)
    assert pacer.look() == ["posted"]
    soon(lambda: posted.runs("SCHEDULED"))
    [run] = posted.runs("SCHEDULED")
    server.post(f"/flow_runs/{run['id']}/set_state", {"state": ending, "force": True})
    assert pacer.look() == again
    assert 0 < pacer.client.pttl(ASKED) <= 60_000
    pacer.client.delete(ASKED)  # the interval is over
    soon(lambda: posted.runs("SCHEDULED") or pacer.look() == ["posted"])


def test_what_ended_well_before_it_was_asked_is_no_answer_whatever_the_clocks_say(
    project: Project, posted: Deployed, pacer: Pacer, server: Server
) -> None:
    server.post(f"/flow_runs/{posted.start()}/set_state", {"state": {"type": "COMPLETED"}, "force": True})
    pacer.clock = pacer.server._clock = ManualClock(datetime.now(UTC) - timedelta(minutes=10))
    post(project, 5)
    assert pacer.look() == ["posted"]
    assert pacer.look() == []
    soon(lambda: posted.runs("SCHEDULED"))


def test_a_stream_of_several_lanes_may_have_a_run_for_each(project: Project, posted: Deployed, pacer: Pacer) -> None:
    file = project.folder / "streams" / "posted.yaml"
    file.write_text(f"{file.read_text()}shards: 2\n")
    post(project, 5)
    posted.start()
    assert pacer.look() == ["posted"]
    soon(lambda: len(posted.runs()) == 2)
    pacer.client.delete(ASKED)
    assert pacer.look() == []


def test_two_keepers_ask_once(project: Project, posted: Deployed, pacer: Pacer, client: redis.Redis) -> None:
    other = Pacer(pacer.server, pacer.catalog, pacer.buffer, client, SystemClock())
    post(project, 5)
    assert pacer.look() + other.look() == ["posted"]
    soon(posted.runs)
    assert len(posted.runs()) == 1


def test_a_paused_deployment_is_not_run(project: Project, server: Server, posted: Deployed, pacer: Pacer) -> None:
    """Its quality gate, or a person, stopped it."""
    server.post(f"/deployments/{posted.id}/pause_deployment", {})
    post(project, 5)
    assert pacer.look() == []


def test_while_the_server_is_away_nothing_is_taken_for_asked(project: Project, posted: Deployed, pacer: Pacer) -> None:
    post(project, 5)
    there, pacer.server = pacer.server, Server("http://127.0.0.1:9/api")
    with pytest.raises(PrefectAway, match="gives no answer"):
        pacer.look()
    pacer.server = there
    assert pacer.look() == ["posted"]
    soon(posted.runs)


def test_registering_the_automation_again_changes_nothing(project: Project, server: Server, posted: Deployed) -> None:
    assert posted.runs() == []
    before = server.all("/automations/filter", {})
    register(project)
    assert [found["id"] for found in server.all("/automations/filter", {})] == [found["id"] for found in before]
