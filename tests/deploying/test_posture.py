"""A Prefect server that others reach asks who calls, one that asks nobody answers no page of others, and the doctor
tells of one that does neither (S30).
"""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import urllib3
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from datastream.clock import SystemClock
from deployments.doctor.posture import heard_at
from deployments.stack.ports import LOOPBACK, reserved
from deployments.stack.prefect_server import server_service
from deployments.stack.process import stop
from deployments.stack.starter import Starter, silent
from tests.commands import DATASTREAM, run
from tests.deploying.conftest import Deploying

SECRET = "datastream:s3cr3t-of-the-server"  # noqa: S105 - it is what must be asked for
BASIC = {"Authorization": f"Basic {base64.b64encode(SECRET.encode()).decode()}"}
WIDE = "0.0.0.0"  # noqa: S104 - it is what the doctor has to see


@contextmanager
def serving(folder: Path, host: str = LOOPBACK, **env: str) -> Iterator[str]:
    """Run a server with settings of its own."""
    with reserved(24200) as port:
        service = server_service(folder, folder / "server.log", f"alone@{folder}", port)
        command = tuple(host if word == LOOPBACK else word for word in service.command)
        service = replace(service, env={**service.env, **env}, command=command, relayed=host != LOOPBACK)
        records = Starter([service], {}, lambda _: None, silent, SystemClock()).run()
    try:
        yield f"{service.address}/api"
    finally:
        stop(records[service.name].process)


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("locked"), PREFECT_SERVER_API_AUTH_STRING=SECRET) as url:
        yield url


def status(method: str, url: str, **headers: str) -> int:
    return urllib3.request(method, url, headers=headers, retries=False, timeout=30).status


def test_a_locked_server_answers_nobody_who_does_not_say_who_he_is(locked: str) -> None:
    """On every route that it has itself; whether it is alive and ready, anybody may ask."""
    described = urllib3.request("GET", f"{locked}/openapi.json", headers=BASIC, timeout=60).json()
    paths = {path: [each.upper() for each in methods] for path, methods in described["paths"].items()}
    known = [(method, re.sub(r"{.*?}", str(uuid4()), path)) for path, methods in paths.items() for method in methods]
    answers = {(method, path): status(method, f"{locked}{path}") for method, path in known}
    assert len(answers) > 150
    opened = {asked for asked, said in answers.items() if said != HTTPStatus.UNAUTHORIZED}
    assert opened == {("GET", "/health"), ("GET", "/ready")}


TRICKS = (
    "/variables/name/system-health", "/variables/name/x/health", "//health", "/health/../admin/version",
    "/work_pools/health", "/flows/%2e%2e/health", "/admin/version?x=/health",
)  # fmt: skip


@pytest.mark.parametrize("path", TRICKS)
def test_no_path_looks_like_one_that_anybody_may_ask(locked: str, path: str) -> None:
    assert status("GET", f"{locked}{path}", Host="x/api/health") in (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND)


@pytest.mark.parametrize("said", ["", "Basic", "Basic !", "Bearer x", f"Basic {SECRET}", "Basic " + "eA" * 5000])
def test_a_wrong_word_opens_nothing(locked: str, said: str) -> None:
    assert status("GET", f"{locked}/flows/count", Authorization=said) == HTTPStatus.UNAUTHORIZED
    assert status("GET", f"{locked}/admin/version", **BASIC) == HTTPStatus.OK


@pytest.mark.parametrize("path", ["/events/in", "/events/out", "/logs/out"])
def test_its_sockets_close_on_whoever_has_no_word(locked: str, path: str) -> None:
    with connect(f"ws{locked.removeprefix('http')}{path}", subprotocols=["prefect"]) as socket:
        socket.send(json.dumps({"type": "auth", "token": "another"}))
        with pytest.raises(ConnectionClosed) as closed:
            list(socket)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


STRANGERS = {
    "a name that was made to point here": {"Host": "evil.example"},
    "a page of another site": {"Origin": "https://evil.example"},
    "a page of another server here": {"Origin": "http://127.0.0.1:1"},
    "a page without a name": {"Origin": "null"},
}


@pytest.mark.parametrize("headers", STRANGERS.values(), ids=STRANGERS)
def test_an_unlocked_server_answers_no_page_of_others(api: str, headers: dict[str, str]) -> None:
    """A browser on this machine reaches what listens on it, whatever it shows, and who may ask may run any command."""
    assert status("GET", f"{api}/admin/version", **headers) == HTTPStatus.FORBIDDEN


def test_a_page_of_others_cannot_write_unseen(api: str) -> None:
    """Without a content type a browser asks nobody before it posts, and Prefect takes the body for JSON."""
    pool = {"name": f"blind-{uuid4()}", "type": "process"}
    body = json.dumps(pool).encode()
    answers = [
        urllib3.request("POST", f"{api}/work_pools/", body=body, headers=headers, retries=False, timeout=60).status
        for headers in (STRANGERS["a page of another site"], {})
    ]
    assert answers == [HTTPStatus.FORBIDDEN, HTTPStatus.CREATED]


@pytest.mark.parametrize("path", ["/events/in", "/events/out", "/logs/out"])
def test_its_sockets_open_to_no_page_of_others(api: str, path: str) -> None:
    url = f"ws{api.removeprefix('http')}{path}"
    with pytest.raises(InvalidStatus, match="403"), connect(url, origin="https://evil.example"):
        pytest.fail("it was opened")


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_its_own_pages_are_answered(api: str, name: str) -> None:
    own = f"{name}:{urllib3.util.parse_url(api).port}"
    assert status("POST", f"{api}/flows/count", Origin=f"http://{own}") == HTTPStatus.OK
    assert status("POST", f"{api}/flows/count", Host=own) == HTTPStatus.OK


def findings(url: str, project: Path, **env: str) -> dict[str, Any]:
    env = {"PREFECT_API_URL": url, "DATASTREAM_PROJECT": str(project), "PATH": "/usr/bin:/bin", **env}
    done = run(DATASTREAM, "doctor", "--json", env=env)
    assert "Traceback" not in done.stderr, done.stderr
    return {found["what"]: found for found in json.loads(done.stdout)}


def test_the_doctor_tells_who_may_use_the_server(locked: str, tmp_path: Path) -> None:
    unasked = findings(locked, tmp_path)["who may use it"]
    assert not unasked["ok"]
    assert "Set PREFECT_API_AUTH_STRING" in unasked["said"]
    asked = findings(locked, tmp_path, PREFECT_API_AUTH_STRING=SECRET)
    assert asked["who may use it"]["said"] == "It asks whoever calls for its auth string."
    assert SECRET not in json.dumps([asked, unasked])


def test_the_doctor_tells_of_results_that_are_pickles(api: str, tmp_path: Path) -> None:
    found = findings(api, tmp_path)
    assert found["who may use it"]["said"] == "It is heard on this machine only."
    assert "set PREFECT_RESULTS_DEFAULT_SERIALIZER=json" in found["results of runs"]["said"]
    again = findings(api, tmp_path, PREFECT_RESULTS_DEFAULT_SERIALIZER="json")
    assert again["results of runs"] | {"seconds": 0} == {
        "what": "results of runs", "ok": True, "said": "They are kept as json.", "seconds": 0,
    }  # fmt: skip


@pytest.mark.full
def test_the_doctor_tells_of_a_server_that_others_reach_unasked(tmp_path: Path) -> None:
    with serving(tmp_path, WIDE) as url:
        assert WIDE in heard_at(urllib3.util.parse_url(url).port or 0)
        said = findings(url, tmp_path)["who may use it"]
    assert not said["ok"]
    assert f"It is heard at {WIDE}" in said["said"]


def test_the_doctor_tells_of_secrets_in_what_is_deployed(project: Deploying) -> None:
    project("apply")
    there = project.one()
    leaked = {**there["parameters"], "where": "redis://:s3cr3t@127.0.0.1/0"}
    project.ask("PATCH", f"/deployments/{there['id']}", parameters=leaked)
    said = findings(project.api, project.folder)["secrets in deployments"]
    project.ask("DELETE", f"/deployments/{there['id']}")
    assert not said["ok"]
    assert f"parameters.where of jobs{project.id}.load (orders)" in said["said"]
    assert "s3cr3t" not in said["said"]
