"""What cannot be deployed is refused before anything is changed: all of it at once, with its line and the way out."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import pytest

from tests.deploying.conftest import Deploying
from tests.servers import PatientHandler, PatientServer

WRONG = {
    "0 s": ("interval: 300", "interval: 0", 11, "an interval of less than 1 s"),
    "a schedule without a slug": (", slug: often", "", 11, "a schedule has no slug"),
    "no cron": ('interval: 300, anchor_date: "2026-01-01T00:00:00Z"', "cron: every day", 11, "its schedule cannot"),
    "a day that never comes": ('interval: 300, anchor_date: "2026-01-01T00:00:00Z"', 'cron: "0 0 30 2 *"', 11,
                               "failed to find next date"),
    "a rule without a step": ('interval: 300, anchor_date: "2026-01-01T00:00:00Z"', 'rrule: "FREQ=DAILY;INTERVAL=0"',
                              11, "look for its next run for ever"),
    "a slip in a schedule": ("slug: often", "slug: often, activ: false", 11, "schedules.0.activ: Extra inputs"),
    "a schedule's own slip": ("slug: often", "slug: often, parameters: {{sise: 2}}", 11, "no parameter 'sise'"),
    "a schedule's own secret": ("slug: often", "slug: often, parameters: {{api_token: s3cr3t}}", 11, "like a secret"),
    "a schedule's own block": ("slug: often", "slug: often, parameters: {{lake: {{$ref: x}}}}", 11, "the block 'x'"),
    "a block by an id of none": ("lake: *lake", "lake: {{$ref: {{block_document_id: abc}}}}", 9, "the block 'abc'"),
    "a trigger's secret": ("*pool\n    sch", "*pool\n    triggers: [{{parameters: {{token: s3cr3t}}}}]\n    sch", 11,
                           "triggers.0.parameters.token looks like a secret"),
    "a secret to pull with": ("*pool\n    sch", "*pool\n    pull: [{{a.b: {{access_token: s3cr3t}}}}]\n    sch", 11,
                              "pull.0.a.b.access_token looks like a secret"),
    "a limit of none": ("    schedules:", "    concurrency_limit: 0\n    schedules:", 11, "lets no run start"),
    "a pool that nobody made": ("name: pool-{id}", "name: pool-none", 3, "there is no work pool 'pool-none'"),
    "what cannot be imported": ("jobs{id}.load", "nowhere{id}.load", 8, "Error: No module named 'nowhere"),
    "what is no flow": ("jobs{id}.load", "jobs{id}.DataLake", 8, "is not a flow"),
    "a parameter of another type": ("size: 1,", "size: many,", 9, "do not fit the flow: Validation failed for field"),
    "a parameter that is none": ("size: 1,", "size: 1, sise: 2,", 9, "takes no parameter 'sise'; it takes size, lake"),
    "a start without what is needed": ("size: 1, ", "", 9, "by its schedule 'often' it starts without size"),
    "a block that is not there": ("data-lake/{id}", "data-lake/no{id}", 9, "needs the block 'data-lake/no"),
    "a secret by its name": ("size: 1,", "size: 1, api_token: abcd,", 9, "parameters.api_token looks like a secret"),
    "a secret by its look": ("size: 1,", "size: 1, where: 'amqp://me:s3cr3t@host/',", 9, "where looks like a secret"),
    "a secret for a block": ("lake: *lake", "lake: {{uri: s3://b, secret_key: s3cr3t}}", 9, "secret_key looks"),
    "a secret that is filled in": ("size: 1,", "where: '{{{{ prefect.blocks.secret.{id} }}}}',", 9, "in clear"),
    "a secret of the environment": ("size: 1,", "size: 1, where: 'redis://{{{{ $THERE }}}}',", 9, "is filled in"),
    "a secret of a job": ("*pool\n    sch", "{{name: pool-{id}, job_variables: {{env: {{DB_PASSWORD: x}}}}}}\n    sch",
                          10, "env.DB_PASSWORD looks like a secret"),
    "a job variable of another type": ("*pool\n    sch", "{{name: pool-{id}, job_variables: {{env: here}}}}\n    sch",
                                       10, "do not fit the pool"),
    "a word with a slip": ("    schedules:", "    shedules:", 11, "Did you mean 'schedules'?"),
    "a slip in a trigger": ("    schedules:", "    triggers: [{{expekt: [a]}}]\n    schedules:", 11, "mean 'expect'?"),
    "what stands for nothing": ("size: 1,", "size: 1, where: '{{{{ $NOT_SET_{id} }}}}',", 9, "stands for nothing here"),
    "build steps": ("    schedules:", "    build: [{{a.b: {{}}}}]\n    schedules:", 11, "has build steps"),
    "the same twice": ("jobs{id}.look", "jobs{id}.load", 12, "is described in line 7 too"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_told_with_its_line(project: Deploying, old: str, new: str, line: int, said: str) -> None:
    if "prefect.blocks.secret" in new:
        project.python("from prefect.blocks.system import Secret", f"Secret(value='s3cr3t').save('{project.id}')")
    project.edit(*(text.format(id=project.id) for text in (old, new)))
    done = project("apply", THERE=":s3cr3t@127.0.0.1/")
    assert done.returncode == 1
    assert said in done.stderr
    assert f"prefect.yaml, line {line}: deployment 'orders': " in done.stderr
    assert "s3cr3t" not in done.stderr
    assert project.deployed() == {}


UNSEEN = """  - name: "orders\\e[1m"
    entrypoint: jobs{id}.load
"""


def test_all_that_is_wrong_is_told_at_once(project: Deploying) -> None:
    project.edit("interval: 300", "interval: -5")
    project.edit(f"jobs{project.id}.look", "jobs.nowhere")
    project.file.write_text(
        project.file.read_text() + "  - entrypoint: a.b\n    tags: 7\n" + UNSEEN.format(id=project.id)
    )
    (project.folder / "deployments/automations").mkdir(parents=True)
    (project.folder / "deployments/automations/bad.yaml").write_text(
        "automations:\n  - name: bad\n    trigger: {type: x}\n"
    )
    told = project("plan").stderr
    assert "nothing is deployed, since" in told
    assert all(
        said in told
        for said in ("interval of less than 1 s", "jobs.nowhere cannot be imported", "tags", "does not show")
    )
    assert "deployments/automations/bad.yaml, line 3: trigger" in told
    problems = json.loads(project("plan", "--json").stdout)["problems"]
    assert len(problems) == len(told.splitlines()) - 1
    assert {key: problems[1][key] for key in ("file", "line")} == {"file": "prefect.yaml", "line": 11}


STREAM = "name: orders\nsource: {kind: webhook, block: webhook-source/none}\nsuite: orders\n"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "Stream 'orders' does not exist"),
        ({"streams/orders.yaml": "name: orders\nsource: 1\n"}, "orders.yaml, line 2: source"),
        ({"streams/orders.yaml": STREAM}, "orders.json"),
        (
            {"streams/orders.yaml": STREAM, "expectations/orders.json": "{}"},
            "webhook-source/none",
        ),
    ],
)
def test_a_stream_that_could_not_be_loaded_is_told(project: Deploying, files: dict[str, str], said: str) -> None:
    for name, text in files.items():
        (project.folder / name).write_text(text)
    project.edit(
        f"jobs{project.id}.look", "flows.etl_pipeline.etl_pipeline\n    parameters: {stream: orders, lake: *lake}"
    )
    told = project("plan")
    assert (told.returncode, "line " in told.stderr) == (1, True)
    assert said in told.stderr


def test_a_file_that_is_no_yaml_or_is_not_there_is_told(project: Deploying) -> None:
    project.edit("deployments:\n", "deployments: [\n")
    assert "prefect.yaml, line " in project("plan").stderr
    project.file.unlink()
    assert "Put the project's file there." in project("plan").stderr


def test_a_worker_of_another_version_is_told(project: Deploying) -> None:
    """The server does not know of what version a worker is; the worker's own events say it."""
    project.ask("POST", f"/work_pools/{project.pool}/workers/heartbeat", name="old", heartbeat_interval_seconds=600)
    project.python(
        "from prefect.events import emit_event",
        "emit_event('prefect.worker.started', resource={'prefect.resource.id': 'prefect.worker.process.old',",
        " 'prefect.resource.name': 'old', 'prefect.version': '3.1.0'}, related=[{'prefect.resource.id':",
        f" 'prefect.work-pool.1', 'prefect.resource.role': 'work-pool', 'prefect.resource.name': '{project.pool}'}}])",
    )
    said = f"the worker 'old' of the pool '{project.pool}' is Prefect 3.1.0, and this is "
    assert any(said in project("plan").stderr for _ in range(20)), "its event is kept within a second or so"


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """Serve the same answer to whatever is asked."""

    class Handler(PatientHandler):
        def do_GET(self) -> None:  # noqa: N802 - the name is the library's
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with PatientServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/api"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (
            HTTPStatus.UNAUTHORIZED,
            b'{"exception_message": "Unauthorized"}',
            "Set PREFECT_API_AUTH_STRING to what its own",
        ),
        (HTTPStatus.NOT_FOUND, b"<html>", "is no Prefect server: to a question for its version it answered 404"),
        (HTTPStatus.OK, b"<html>", "is no Prefect server: it does not tell its version. Correct PREFECT_API_URL."),
        (HTTPStatus.OK, json.dumps("2.19.0").encode(), "the server is Prefect 2.19.0, and this is 3."),
    ],
)
def test_a_server_that_is_locked_or_another_is_told(project: Deploying, status: int, body: bytes, said: str) -> None:
    with answering(status, body) as url:
        done = project("plan", PREFECT_API_URL=url)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/api", "nowhere"])
def test_a_server_that_is_away_is_told(project: Deploying, url: str) -> None:
    done = project("apply", PREFECT_API_URL=url)
    assert done.returncode == 1
    assert f"The Prefect server at {url} does not answer" in done.stderr
