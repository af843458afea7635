"""The flow `etl-pipeline` on a real Prefect server: what it shows there, and how it says what goes wrong."""

import json
from collections.abc import Callable

import pytest
import redis

from tests.conftest import order, orders
from tests.fake_api import FakeApi
from tests.flows.conftest import Project


def test_a_run_shows_its_window_its_accounts_and_its_validation(project: Project, api: FakeApi) -> None:
    api.records = [*orders(700), *orders(20), *(order(n, amount=None) for n in range(800, 815))]
    done = project.run()
    shown = project.artifacts
    assert done.returncode == 0, done.stderr
    assert project.last_run["name"] == "orders since 2026-01-01T00:00:00Z"
    assert (project.last_run["state_type"], shown["orders-progress"]["data"]) == ("COMPLETED", 100.0)
    assert '"read", "rows": "735"' in str(shown["orders-accounts"]["data"]).replace("'", '"')
    report = shown["orders-validation"]["data"]
    assert "| amount not null | critical | failed | 15 |" in report
    assert "datastream quarantine show orders" in report
    assert report.count("| amount not null |") == 1 + 10, "the rule, and ten sample rows"


def test_records_that_the_key_does_not_tell_apart_are_warned_of_once(project: Project, api: FakeApi) -> None:
    """Once a run, not once a claim."""
    project.stream("key: [id]", "key: [kind]")
    api.records = [{**each, "kind": "a", "at": "2026-01-01T00:00:00Z"} for each in orders(1200)]
    done = project.run()
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("WARNING") == done.stderr.count("records have the key (kind) and cursor (at)") == 1
    shown = project.artifacts
    assert {"account": "duplicates with other content", "rows": "1,197"} in json.loads(shown["orders-accounts"]["data"])
    assert "1,197 records have the key (kind) and cursor (at) of an earlier one" in shown["orders-validation"]["data"]


def broken_suite(project: Project) -> None:
    (project.folder / "expectations/orders.json").write_text('{"name": "orders",\n "expectations": [}')


def empty_suite(project: Project) -> None:
    (project.folder / "expectations/orders.json").write_text('{"name": "orders", "expectations": []}')


def missing_suite(project: Project) -> None:
    (project.folder / "expectations/orders.json").unlink()


def wrong_column(project: Project) -> None:
    file = project.folder / "expectations/orders.json"
    file.write_text(file.read_text().replace("amount", "amuont"))


def missing_block(project: Project) -> None:
    file = project.folder / "streams/orders.yaml"
    project.stream(file.read_text().split("block: ")[1].splitlines()[0], "api-source/nowhere")


def unreachable_api(project: Project) -> None:
    file = project.folder / "streams/orders.yaml"
    away = '{base_url: "http://127.0.0.1:9", private_networks: [127.0.0.1]}'
    project.stream(file.read_text().split("block: ")[1].splitlines()[0], away)


WRONG: dict[str, tuple[Callable[[Project], None], dict[str, str], str]] = {
    "broken suite": (broken_suite, {}, "orders.json"),
    "empty suite": (empty_suite, {}, "no expectations"),
    "missing suite": (missing_suite, {}, "orders.json"),
    "wrong column": (wrong_column, {}, "amuont"),
    "missing block": (missing_block, {}, "'api-source/nowhere', which does not exist"),
    "unreachable API": (unreachable_api, {}, "Is the API up"),
    "bad YAML": (lambda project: project.stream("key: [id]", "key: [id"), {}, "orders.yaml, line"),
    "bad lake": (lambda _: None, {"DATASTREAM_LAKE_URI": "s3//x"}, "DATASTREAM_LAKE_URI cannot be used"),
}


ALWAYS = ("empty suite", "missing block", "bad YAML", "bad lake")
CASES = [
    pytest.param(*case, id=name, marks=[] if name in ALWAYS else [pytest.mark.full]) for name, case in WRONG.items()
]


@pytest.mark.parametrize(("spoil", "env", "said"), CASES)
def test_what_goes_wrong_is_a_sentence_and_nothing_is_committed(
    project: Project, api: FakeApi, spoil: Callable[[Project], None], env: dict[str, str], said: str
) -> None:
    api.records = orders(10)
    spoil(project)
    done = project.run(**env)
    assert done.returncode == 1
    assert any(said in line for line in done.stderr.splitlines()), done.stderr
    assert "Traceback" not in done.stderr
    assert not list(project.folder.glob("lake/_log/**/*.json"))


def test_an_unknown_stream_is_a_sentence(project: Project) -> None:
    done = project.run("oders")
    assert (done.returncode, "Did you mean 'orders'?" in done.stderr, "Traceback" in done.stderr) == (1, True, False)


@pytest.mark.full
def test_a_run_whose_lane_is_drained_by_another_yields(project: Project, api: FakeApi) -> None:
    """The lease is held by somebody who is alive: who waits longer than it lasts knows that."""
    api.records = orders(10)
    with redis.Redis.from_url(project.redis_url) as client:
        client.set("datastream:lease:orders:0", "somebody")
        done = project.run()
    assert done.returncode == 0, done.stderr
    assert project.last_run["state_name"] == "Yielded"
    assert not list(project.folder.glob("lake/_log/**/*.json"))


@pytest.mark.full
def test_without_redis_a_run_goes_on_without_a_lease(project: Project, api: FakeApi) -> None:
    api.records = orders(10)
    done = project.run(DATASTREAM_REDIS_URL="redis://127.0.0.1:9/0")
    assert done.returncode == 0, done.stderr
    assert "without a lease" in done.stderr
    assert len(list(project.folder.glob("lake/_log/**/*.json"))) == 1
