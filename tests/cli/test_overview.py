"""The platform at one look: in a live view, as an artifact of the Prefect UI, and by what Prefect and Redis know."""

import json
import os
import pty
import signal
import socket
import subprocess
import sys
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from datastream.catalog import Catalog
from datastream.clock import ManualClock
from datastream.errors import Permanent, Transient
from datastream.resilience import BreakerState
from datastream.settings import Settings
from deployments.keeper import Server
from deployments.overview import LeftAlone, Overview, Work, left_alone, look, markdown
from deployments.standing import Standing, standings, standings_of
from tests import commands
from tests.conftest import World, orders
from tests.servers import answering

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def test_a_dependency_is_left_alone_while_its_breaker_is_open_and_no_longer() -> None:
    rested, resting = (
        BreakerState(failures=5, error=said, since=NOW, until=NOW + timedelta(seconds=rest))
        for said, rest in (("was away", -1), ("HTTP 503", 30))
    )
    found = left_alone({"api": resting, "bus": rested, "counted": BreakerState(failures=1)}, NOW)
    assert list(map(str, found)) == ["api is left alone until 12:00:30 UTC: HTTP 503"]


def test_the_artifact_holds_every_stream_and_no_markup_of_theirs() -> None:
    odd = Standing(stream="odd", problem="a | b <script>")
    seen = Overview(
        NOW,
        (Standing("orders", "webhook", 3, NOW, timedelta(minutes=2), 1500, 0, 1), odd),
        (LeftAlone("api", NOW, "HTTP 503"),),
        Work(3, 1, 0, 0),
    )
    told = markdown(seen)
    assert "| orders | webhook | 1,500 | 0:02:00 | 1 incident | 2026-11-29 12:00:00 | 3 | 0 |" in told
    assert "- 3 workers; 1 run under way, 0 due\n- api is left alone" in told
    assert "- odd: a \\| b &lt;script>" in told


@pytest.mark.usefixtures("loaded")
def test_a_server_that_is_away_is_told_and_the_streams_are_shown(project: Settings) -> None:
    def away(_path: str, _body: Any) -> Any:
        raise Transient("The Prefect server gives no answer.")

    seen = look(project, ManualClock(NOW), away)
    assert ([s.commits for s in seen.streams], seen.work) == ([1], None)
    assert seen.troubles == ["The Prefect server gives no answer."]


def test_a_buffer_that_gives_no_answer_is_waited_for_once_and_not_by_each_stream(
    project: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted = (project.streams / "orders.yaml").read_text()
    for name in ("returns", "refunds"):
        (project.streams / f"{name}.yaml").write_text(posted.replace("name: orders", f"name: {name}"))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("DATASTREAM_REDIS_URL", f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        (project.project / "lake").mkdir()
        problems = [standing.problem for standing in standings(Settings.read())]
        silent.setblocking(False)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()
    assert len(problems) == 3
    assert all(problem and "Redis does not answer" in problem for problem in problems)


@pytest.mark.usefixtures("loaded")
def test_a_buffer_that_is_away_hides_nothing_of_the_lake(project: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATASTREAM_REDIS_URL", "redis://127.0.0.1:9/0")
    [orders] = look(Settings.read(), ManualClock(NOW)).streams
    assert project.buffer is None
    assert (orders.commits, orders.waiting) == (1, None)
    assert "Redis does not answer" in str(orders.problem)


def test_a_lake_that_is_away_is_asked_once_for_all_streams(project: Settings) -> None:
    """Each time may cost its timeout."""
    asked = []

    def away() -> None:
        asked.append(1)
        raise Transient("The lake cannot be reached.")

    file = project.streams / "orders.yaml"
    (project.streams / "bills.yaml").write_text(file.read_text().replace("orders", "bills"))
    found = standings_of(Catalog(project.streams), away, lambda: None, ManualClock(NOW))
    assert [each.problem for each in found] == 2 * ["The lake cannot be reached."]
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("status", "said", "told"),
    [
        (401, b"{}", "Set PREFECT_API_AUTH_STRING"),
        (404, b"{}", "is no Prefect server"),
        (200, b"<html>", "is no Prefect server: what it says is no JSON"),
        (200, b"{}", "is no Prefect server: it does not tell its version"),
        (200, b'"2.20.1"', "Run the same version on both sides"),
    ],
)
def test_what_is_no_server_of_ours_is_told(status: int, said: bytes, told: str) -> None:
    with answering(status, said) as url, closing(Server(url)) as server, pytest.raises(Permanent, match=told):
        server.check()


def test_the_keeper_of_no_prefect_server_does_not_begin_and_status_tells(project: Settings) -> None:
    with answering(200, b"<html>") as url:
        env = {**os.environ, "DATASTREAM_PROJECT": str(project.project), "PREFECT_API_URL": url}
        shown, kept = (commands.run(commands.DATASTREAM, word, env=env) for word in ("status", "keeper"))
    assert "is no Prefect server" in shown.stderr
    assert "is no Prefect server" in kept.stderr
    assert (kept.returncode, "Traceback" in shown.stderr + kept.stderr) == (1, False)


def test_json_is_whole_while_all_is_away(project: Settings) -> None:
    away = {"PREFECT_API_URL": "nonsense", "DATASTREAM_REDIS_URL": "redis://127.0.0.1:9/0"}
    env = {**os.environ, "DATASTREAM_PROJECT": str(project.project), **away}
    told = json.loads(commands.run(commands.DATASTREAM, "status", "--json", env=env).stdout)
    assert set(told) == {"parts", "streams", "work", "left_alone", "problems"}
    assert (told["work"], len(told["problems"])) == (None, 1)
    assert "Correct PREFECT_API_URL" in told["problems"][0]


def test_a_live_view_wants_a_terminal(project: Settings) -> None:
    env = {**os.environ, "DATASTREAM_PROJECT": str(project.project)}
    done = commands.run(commands.DATASTREAM, "status", "--watch", env=env)
    assert (done.returncode, "cannot be drawn over" in done.stderr) == (2, True)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_the_live_view_is_drawn_until_it_is_left(project: Settings, sent: signal.Signals, code: int) -> None:
    """Then the terminal is as before: its own screen, and a cursor."""
    screen, terminal = pty.openpty()
    env = {**os.environ, "DATASTREAM_PROJECT": str(project.project), "TERM": "xterm", "COLUMNS": "150", "LINES": "50"}
    command = [sys.executable, "-m", "deployments.cli", "status", "--watch"]
    with subprocess.Popen(command, env=env, stdout=terminal, stderr=terminal, stdin=terminal) as shown:
        os.close(terminal)
        drawn = b""
        while drawn.count(b"UTC") < 2:
            drawn += os.read(screen, 65536)
        shown.send_signal(sent)
        with suppress(OSError):  # it ended
            while more := os.read(screen, 65536):
                drawn += more
        assert shown.wait(20) == code
    os.close(screen)
    assert drawn.rindex(b"\x1b[?1049l") > drawn.rindex(b"\x1b[?1049h")
    assert drawn.rindex(b"\x1b[?25h") > drawn.rindex(b"\x1b[?25l")
    assert b"orders" in drawn
    assert b"Traceback" not in drawn


@pytest.fixture
def loaded(world: World) -> None:
    world.api.records = orders(40)
    world.run()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    (tmp_path / "streams").mkdir()
    (tmp_path / "streams" / "orders.yaml").write_text(
        "name: orders\nsource: {kind: webhook, block: webhook-source/orders}\nsuite: orders\n"
    )
    monkeypatch.setenv("DATASTREAM_PROJECT", str(tmp_path))
    monkeypatch.setenv("DATASTREAM_LAKE_URI", (tmp_path / "lake").as_uri())
    monkeypatch.delenv("DATASTREAM_REDIS_URL", raising=False)
    return Settings.read()
