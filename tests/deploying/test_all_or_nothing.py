"""A server that stops half way: everything is put back as it was, and a command that was killed goes on."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.commands import ROOT
from tests.deploying.conftest import Deploying
from tests.prefect_api import ask
from tests.proxy import Proxy, between

MORE = """
  - name: new
    entrypoint: jobs{id}.more
    work_pool: {{name: {pool}, work_queue_name: high}}
    triggers: [{{expect: [some.event]}}]
"""
MORE_FLOW = '\n\n@flow(name="more-{id}")\ndef more() -> None:\n    "More."\n'
TRIGGERS = "    triggers: [{expect: [one]}, {expect: [two], name: named}]\n"
WRITES = ("POST", "PATCH", "PUT", "DELETE")


@pytest.fixture
def changed(project: Deploying) -> Deploying:
    """Some of it is deployed, and all kinds of change are to be made."""
    project.edit("    schedules:", f"{TRIGGERS}    schedules:")
    assert project("apply").returncode == 0
    there = project.one()
    project.ask("PATCH", f"/deployments/{there['id']}", paused=True)
    by_hand = {"schedule": {"interval": 86400}, "active": False}
    post(project, there["id"], by_hand)
    project.edit("interval: 300", "interval: 600")
    project.edit("slug: often}", 'slug: often}, {cron: "1 2 * * *", slug: early}')
    project.edit("size: 1,", "size: 2, where: there,")
    project.edit("{expect: [one]}", "{expect: [three]}")
    jobs = project.folder / f"jobs{project.id}.py"
    jobs.write_text(jobs.read_text() + MORE_FLOW.format(id=project.id))
    project.file.write_text(project.file.read_text() + MORE.format(id=project.id, pool=project.pool))
    return project


def post(project: Deploying, deployment: str, schedule: dict[str, Any]) -> None:
    ask("POST", f"{project.api}/deployments/{deployment}/schedules", [schedule])


def everything(project: Deploying) -> dict[str, Any]:
    """All that may have changed; what was made again has another id."""
    mine = [
        text for each in project.ask("POST", "/automations/filter") if project.one()["id"] in (text := json.dumps(each))
    ]
    return {
        "deployments": project.deployed(),
        "automations": sorted(json.dumps(plain(json.loads(text)), sort_keys=True) for text in mine),
        "queues": [
            (each["name"], each["priority"])
            for each in project.ask("POST", f"/work_pools/{project.pool}/queues/filter")
        ],
        "flows": [each["name"] for each in project.ask("POST", "/flows/filter") if project.id in each["name"]],
    }


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items() if key not in ("id", "created", "updated")}
    return [plain(each) for each in value] if isinstance(value, list) else value


def counting(proxy: Proxy, at: int, fate: str) -> list[str]:
    """Let the `at`-th change have this fate, and return the list of changes as they come."""
    seen: list[str] = []

    def fate_of(method: str, path: str) -> str:
        asks = path.rpartition("/")[2] in ("filter", "count") or path.endswith("/flows/")
        if method not in WRITES or asks:
            return "passed"
        seen.append(f"{method} {path}")
        return fate if len(seen) == at else "passed"

    proxy.fate_of = fate_of  # type: ignore[method-assign]
    return seen


FULL = [pytest.param(fate, marks=pytest.mark.full) for fate in ("broken", "cut")]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fate", ["lost", *FULL])
def test_when_any_change_fails_everything_is_as_it_was(changed: Deploying, fate: str) -> None:
    """`broken`: the server answers 500. `lost`: it does it, and its answer never comes. `cut`: it never hears of it."""
    before, file = everything(changed), changed.file.read_text()
    failed = 0
    with between(changed.api.removesuffix("/api")) as proxy:
        for at in range(1, 30):
            seen = counting(proxy, at, fate)
            while not seen:  # busy, the server may answer 503 before there is anything to put back
                done = changed("apply", PREFECT_API_URL=f"{proxy.url}/api", PREFECT_CLIENT_MAX_RETRIES="0")
            if done.returncode == 0:
                break
            failed += 1
            assert "the server is as it was before" in done.stderr, (at, seen)
            assert everything(changed) == before, (at, seen)
            assert changed.file.read_text() == file
    assert failed >= 8, "each of its changes failed once"
    assert changed("plan", "--check").returncode == 0


def test_an_answer_that_is_lost_once_stops_nothing(changed: Deploying) -> None:
    """The client asks again, and what it asks for is there by then."""
    lost: set[str] = set()

    def fate_of(method: str, path: str) -> str:
        if method != "POST" or not path.endswith(("/queues", "/schedules")) or path in lost:
            return "passed"
        lost.add(path)
        return "lost"

    with between(changed.api.removesuffix("/api")) as proxy:
        proxy.fate_of = fate_of  # type: ignore[method-assign]
        done = changed("apply", PREFECT_API_URL=f"{proxy.url}/api")
    assert (done.returncode, len(lost)) == (0, 2), done.stderr
    assert changed("plan", "--check").returncode == 0


def test_of_two_who_deploy_at_once_one_waits(changed: Deploying) -> None:
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: changed("apply"), range(2)))
    assert [each.returncode for each in done] == [0, 0], [each.stderr for each in done]
    assert sum("Nothing to change" in each.stdout for each in done) == 1
    assert changed("plan", "--check").returncode == 0


def test_what_could_not_be_put_back_is_told_and_the_next_apply_does_the_rest(changed: Deploying) -> None:
    with between(changed.api.removesuffix("/api")) as proxy:
        proxy.fate_of = lambda method, path: "cut" if method == "PATCH" or path.endswith("/high") else "passed"  # type: ignore[method-assign]
        done = changed("apply", PREFECT_API_URL=f"{proxy.url}/api", PREFECT_CLIENT_MAX_RETRIES="1")
    assert done.returncode == 1
    assert f"This could not be put back as it was: deployment load-{changed.id}/orders" in done.stderr
    assert changed("apply").returncode == 0
    assert changed("plan", "--check").returncode == 0


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
def test_a_command_that_was_stopped_half_way_can_be_run_again(changed: Deploying, blow: signal.Signals) -> None:
    """Killed, it leaves half; interrupted, it puts that back."""
    before = everything(changed)
    started: list[subprocess.Popen[bytes]] = []
    with between(changed.api.removesuffix("/api")) as proxy:
        seen = counting(proxy, 3, "passed")

        def fate_of(method: str, path: str, told: Any = proxy.fate_of) -> str:
            fate = told(method, path)
            if len(seen) == 3 and blow is not None and started:
                os.kill(started.pop().pid, blow)
            return fate

        proxy.fate_of = fate_of  # type: ignore[method-assign]
        command = [sys.executable, "-m", "deployments.cli", "deploy", "apply"]
        env = {**changed.env, "PREFECT_API_URL": f"{proxy.url}/api", "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started.append(process)
        assert process.wait(60) != 0
    assert (everything(changed) == before) == (blow is signal.SIGINT)
    assert changed("apply").returncode == 0
    assert changed("plan", "--check").returncode == 0
