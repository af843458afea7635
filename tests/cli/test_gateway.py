"""`datastream gateway`: what it says when it starts, and what when it cannot."""

import signal
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from deployments.stack.waiting import wait_until
from tests import commands
from tests.gateway.processes import SOON, a_gateway, environment
from tests.gateway.serving import API, sender, write_stream

NOWHERE = "redis://127.0.0.1:9/0"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_stream(tmp_path / "streams")
    return tmp_path


def run(project: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run it where it cannot start."""
    env = environment(project, **{"DATASTREAM_REDIS_URL": NOWHERE, **env})
    done = commands.run(commands.DATASTREAM, "gateway", *words, env=env)
    assert "Traceback" not in done.stderr
    return done


def test_it_says_where_it_listens_and_what_it_takes(project: Path, valkey_url: str) -> None:
    with a_gateway(project, valkey_url) as gateway:
        assert f"Taking webhooks at {gateway.url}\n  POST {gateway.url}/webhooks/departures\n" in gateway.said()
        assert "TLS" not in gateway.said()
        with sender(gateway.url) as one:
            assert one.takes_posts()
        gateway.process.send_signal(signal.SIGINT)
        assert gateway.process.wait(10) == 0


def test_it_takes_posts_without_great_expectations(project: Path, valkey_url: str) -> None:
    with a_gateway(project, valkey_url, PYTHONPROFILEIMPORTTIME="1") as gateway, sender(gateway.url) as one:
        assert one.takes_posts()
        assert " datastream.gateway.webhooks\n" in gateway.said()
        assert " great_expectations\n" not in gateway.said()


def test_listening_wider_says_what_belongs_in_front(project: Path, valkey_url: str) -> None:
    with a_gateway(project, valkey_url, "--host", "0.0.0.0") as gateway:  # noqa: S104 - that is what is tried
        assert "put TLS and limits in front of it" in gateway.said()


def test_it_starts_while_redis_and_prefect_are_away_and_names_them(project: Path) -> None:
    """A stream that names its secrets in its file is read all the same; what is posted is to come again."""
    write_stream(project / "streams", "arrivals", "{kind: webhook, block: webhook-source/arrivals}")
    away = {"PREFECT_API_URL": "http://127.0.0.1:9/api", "PREFECT_HOME": str(project / "prefect")}
    with ExitStack() as opened:
        gateway = opened.enter_context(a_gateway(project, NOWHERE, until="/health/live", **away))
        one = opened.enter_context(sender(gateway.url))
        assert one.post().status_code == 503
        assert "Is DATASTREAM_REDIS_URL right" in one.trouble("redis")
        assert wait_until(lambda: "cannot be read from http://127.0.0.1:9/api" in one.trouble("streams"), SOON)
        assert "'arrivals'" in one.trouble("streams")


def test_a_broker_is_asked_too_and_one_that_is_away_stops_no_post(project: Path, valkey_url: str) -> None:
    with ExitStack() as opened:
        broker = {"DATASTREAM_RABBITMQ_URL": "amqp://127.0.0.1:9"}
        gateway = opened.enter_context(a_gateway(project, valkey_url, until="/health/live", **broker))
        one = opened.enter_context(sender(gateway.url))
        assert wait_until(one.takes_posts, SOON)
        assert "127.0.0.1:9" in one.trouble("rabbitmq")


def test_without_streams_it_can_be_told_to_wait_for_one(tmp_path: Path, valkey_url: str) -> None:
    (tmp_path / "streams").mkdir()
    with ExitStack() as opened:
        gateway = opened.enter_context(a_gateway(tmp_path, valkey_url, "--without-streams", until="/health/live"))
        one = opened.enter_context(sender(gateway.url))
        assert wait_until(lambda: "No webhook stream is described now" in one.trouble("streams"), SOON)
        assert one.post().status_code == 404


def test_a_taken_port_is_told(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(project, "--port", str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"Port {port} of 127.0.0.1 is taken. Choose another --port" in done.stderr


@pytest.mark.parametrize("host", ["192.0.2.1", "::2"])
def test_a_host_that_is_not_this_machine_is_told(project: Path, host: str) -> None:
    done = run(project, "--host", host)
    assert done.returncode == 1
    assert f"of {host} cannot be listened on" in done.stderr


def test_without_redis_it_does_not_start(project: Path) -> None:
    done = commands.by_itself(commands.DATASTREAM, "gateway", env=environment(project))
    assert done.returncode == 1
    assert "DATASTREAM_REDIS_URL is not set" in done.stderr


def test_without_a_webhook_stream_it_does_not_start_unless_it_is_told_to(tmp_path: Path) -> None:
    write_stream(tmp_path / "streams", "flights", API)
    done = run(tmp_path)
    assert done.returncode == 1
    assert "describes no webhook stream" in done.stderr
    assert "--without-streams" in done.stderr


def test_a_stream_file_that_is_wrong_is_told(project: Path) -> None:
    (project / "streams" / "broken.yaml").write_text("name: [")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run(project, "--port", str(taken.getsockname()[1]))
    assert "broken.yaml, line 1: this is not YAML" in done.stderr


@pytest.mark.parametrize("words", [("--port", "x"), ("--port", "70000"), ("--slow",), ("more",)])
def test_wrong_usage_exits_with_2(project: Path, words: tuple[str, ...]) -> None:
    assert run(project, *words).returncode == 2
