"""Secrets lie nowhere in clear: canaries in each of them, runs at DEBUG that succeed and fail, and a search (S29)."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import redis

from deployments.stack import valkey
from deployments.stack.waiting import wait_until
from tests.conftest import order, orders
from tests.fake_api import LOCAL, FakeApi
from tests.flows.conftest import Project, python

DEBUG = {
    "PREFECT_LOGGING_LEVEL": "DEBUG",
    "PREFECT_LOGGING_ROOT_LEVEL": "DEBUG",
    "PREFECT_LOGGING_SERVER_LEVEL": "DEBUG",
}


class Canaries:
    """A secret for each purpose, which nothing else in the world contains."""

    def __init__(self) -> None:
        self._by_purpose: dict[str, str] = {}

    def __getitem__(self, purpose: str) -> str:
        return self._by_purpose.setdefault(purpose, f"c4nary{uuid4().hex}")

    def seen_in(self, text: bytes) -> list[str]:
        """Name those that lie in it, in clear or as base64 wherever in it they begin."""
        return [purpose for purpose, secret in self._by_purpose.items() if any(each in text for each in _ways(secret))]


def _ways(secret: str) -> Iterator[bytes]:
    yield secret.encode()
    for before in range(3):
        whole = base64.b64encode(b"x" * before + secret.encode())
        yield whole[4 if before else 0 : -4]


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
def guarded(project: Project, canaries: Canaries, tmp_path: Path) -> Iterator[Project]:
    """A project whose API, buffer, broker and receiver of alerts all want a secret."""
    with valkey(tmp_path / "guarded") as url:
        with redis.Redis.from_url(url) as client:
            client.config_set("requirepass", canaries["redis"])
        project.redis_url = url.replace("redis://", f"redis://:{canaries['redis']}@")
        yield project


def prepare(project: Project, canaries: Canaries, api: FakeApi) -> dict[str, str]:
    """Save the blocks, and return the environment."""
    file = project.folder / "streams/orders.yaml"
    project.stream(file.read_text().split("block: ")[1].splitlines()[0], "api-source/guarded")
    auth = {"kind": "bearer", "token": canaries["token"]}
    secret = base64.b64encode(canaries["signing"].encode()).decode()
    python(
        {**project.environment, "PREFECT_HOME": str(project.folder / "prefect")},
        "from blocks import ApiSource, WebhookSource, DataLake, EventBus",
        f"given = dict(headers={{'X-Key': {canaries['header']!r}}}, auth={auth!r}, private_networks={LOCAL})",
        f"ApiSource(base_url={api.url!r}, **given).save('guarded', overwrite=True)",
        f"WebhookSource(secrets=['whsec_{secret}']).save('guarded', overwrite=True)",
        f"lake = DataLake(uri='s3://bucket/b', access_key='me', secret_key={canaries['s3 block']!r})",
        "lake.save('guarded', overwrite=True)",
        f"EventBus(url='amqp://me:{canaries['bus block']}@127.0.0.1:9/').save('guarded', overwrite=True)",
    )
    return {
        **DEBUG, "DATASTREAM_S3_SECRET_KEY": canaries["s3"], "DATASTREAM_S3_ACCESS_KEY": "me",
        "DATASTREAM_RABBITMQ_URL": f"amqp://me:{canaries['bus']}@127.0.0.1:9/",
        "DATASTREAM_ALERT_WEBHOOK_URL": f"http://127.0.0.1:9/{canaries['alert url']}",
        "DATASTREAM_ALERT_WEBHOOK_SECRET": f"whsec_{base64.b64encode(canaries['alert'].encode()).decode()}",
    }  # fmt: skip


def echoes(api: FakeApi) -> None:
    """Let it say back what it was sent, as a gateway before an API may."""

    def said(_: str) -> tuple[int, dict[str, str], bytes]:
        headers = api.requests[-1].headers if api.requests else {}
        return 403, {}, f"no: {headers}".encode()

    api.fault = said


def search(project: Project, canaries: Canaries, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Look into every file of the server, the project and the buffer, once the last events have been written down."""
    last = {"any_resource": {"id": [f"prefect.flow-run.{project.last_run['id']}"]}}
    assert wait_until(
        lambda: any(
            each["event"].startswith(("prefect.flow-run.Completed", "prefect.flow-run.Failed"))
            for each in project.ask("/events/filter", filter=last)["events"]
        ),
        timedelta(seconds=30),
    )
    places = [project.folder, *tmp_path_factory.getbasetemp().glob("prefect*")]
    files = [file for place in places for file in place.rglob("*") if file.is_file()]
    assert any(file.suffix == ".db" for file in files)
    found = {str(file): canaries.seen_in(file.read_bytes()) for file in files}
    return {file: purposes for file, purposes in found.items() if purposes}


def test_no_secret_is_written_down_by_a_run_that_loads_or_fails(
    guarded: Project, canaries: Canaries, api: FakeApi, tmp_path_factory: pytest.TempPathFactory
) -> None:
    env = prepare(guarded, canaries, api)
    api.records = [*orders(20), order(21, amount=None)]
    loaded = guarded.run(**env)
    assert loaded.returncode == 0, loaded.stderr
    echoes(api)
    failed = guarded.run(**env)
    assert failed.returncode == 1
    assert api.requests[0].headers["Authorization"] == f"Bearer {canaries['token']}", "it was used"
    assert canaries.seen_in((loaded.stdout + loaded.stderr + failed.stdout + failed.stderr).encode()) == []
    assert search(guarded, canaries, tmp_path_factory) == {}
    guarded.run(canaries["no secret"], **env)
    assert ["no secret"] in search(guarded, canaries, tmp_path_factory).values(), "what is not hidden is seen"


@pytest.mark.full
def test_no_secret_is_written_down_by_any_flow(
    guarded: Project, canaries: Canaries, api: FakeApi, tmp_path_factory: pytest.TempPathFactory
) -> None:
    env = prepare(guarded, canaries, api)
    api.records = [*orders(20), order(21, amount=None)]
    said = [guarded.run(**env)]
    said += [guarded.run("orders", "P1D", flow="data_validation", **env)]
    said += [guarded.run(flow=flow, **env) for flow in ("quality_checks", "lake_maintenance", "replay_quarantine")]
    wrong = guarded.redis_url.replace(canaries["redis"], canaries["wrong"])
    said += [guarded.run(**{**env, "DATASTREAM_REDIS_URL": wrong})]
    said += [
        guarded.run(**{**env, "DATASTREAM_LAKE_URI": "s3://bucket/b", "DATASTREAM_S3_ENDPOINT": "http://127.0.0.1:9"})
    ]
    said += [guarded.command("doctor")]
    assert [each.returncode for each in said[-2:]] == [1, 1]
    assert canaries.seen_in("".join(each.stdout + each.stderr for each in said).encode()) == []
    assert search(guarded, canaries, tmp_path_factory) == {}


def test_no_result_is_kept_and_so_no_pickle_is_read(project: Project, api: FakeApi, tmp_path: Path) -> None:
    """Even where Prefect is told to keep results, and as pickles, which is its own default."""
    api.records = orders(3)
    kept = tmp_path / "results"
    env = {
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true", "PREFECT_TASKS_DEFAULT_PERSIST_RESULT": "true",
        "PREFECT_LOCAL_STORAGE_PATH": str(kept),
    }  # fmt: skip
    for flow in ("etl_pipeline", "quality_checks"):
        assert project.run(flow=flow, **env).returncode == 0
    assert not list(kept.rglob("*")) if kept.exists() else True
