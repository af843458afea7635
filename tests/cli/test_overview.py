"""The platform at one look: in a live view, as an artifact of the Prefect UI, and by what Prefect and Redis know."""

import os
import pty
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from datastream.clock import ManualClock
from datastream.errors import Transient
from datastream.resilience import BreakerState
from datastream.settings import Settings
from deployments.overview import LeftAlone, Overview, Work, left_alone, look, markdown
from deployments.standing import Standing, standings
from tests.conftest import World, orders

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
    assert "| orders | webhook | 1,500 | 3 | 2026-11-29 12:00:00 | 0:02:00 | 0 | 1 incident |" in told
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


def test_the_live_view_is_drawn_until_it_is_left(project: Settings) -> None:
    screen, terminal = pty.openpty()
    env = {**os.environ, "DATASTREAM_PROJECT": str(project.project), "TERM": "xterm", "COLUMNS": "150", "LINES": "50"}
    command = [sys.executable, "-m", "deployments.cli", "status", "--watch"]
    with subprocess.Popen(command, env=env, stdout=terminal, stderr=terminal, stdin=terminal) as shown:
        os.close(terminal)
        drawn = b""
        while drawn.count(b"UTC") < 2:
            drawn += os.read(screen, 65536)
        shown.send_signal(signal.SIGINT)
        assert shown.wait(20) == 0
    os.close(screen)
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
