"""`datastream quality`: how streams are, and what people say of them, from the command line."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from datastream.clock import ManualClock
from datastream.errors import DatastreamError
from datastream.lake.local import LocalStore
from deployments.cli import cli
from tests.flows.conftest import STREAM
from tests.health.kept import DAY, HOUR, Kept


class Shell:
    """`datastream` in a project of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "streams").mkdir()
        (folder / "streams" / "orders.yaml").write_text(STREAM % "http://127.0.0.1:1")
        self._env = {"DATASTREAM_PROJECT": str(folder), "DATASTREAM_LAKE_URI": (folder / "lake").as_uri()}

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(cli, words, env=self._env)

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json").stdout)

    def refused(self, *words: str) -> str:
        error = self(*words).exception
        assert isinstance(error, DatastreamError)
        return str(error)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A stream that was loaded a day ago and is to be loaded every hour."""
    kept = Kept(LocalStore(tmp_path / "lake"), ManualClock(datetime.now(UTC) - DAY - HOUR))
    kept.expect(fresh_within="PT1H")
    kept.load()
    kept.clock.advance(DAY)
    kept.check()
    return Shell(tmp_path)


def test_incidents_are_listed_muted_and_told_again(shell: Shell) -> None:
    [incident] = shell.json("quality", "incidents")
    assert (incident["incident"], incident["how"]) == ("orders/freshness/1", None)
    assert "rows were loaded 1 d ago" in shell("quality", "incidents", "orders").stdout
    done = shell("quality", "mute", "orders", "freshness", "--for", "P1D", "--why", "the source is moved")
    assert done.stdout.startswith("freshness of orders is muted until 2")
    assert shell.json("quality", "incidents")[0]["how"] == "muted"
    [fresh] = [line for line in shell.json("quality", "status", "orders") if line["check"] == "freshness"]
    assert (fresh["result"], fresh["muted_until"] is None) == ("not met", False)
    assert shell("quality", "unmute", "orders", "freshness").stdout == "freshness of orders is told again.\n"
    assert shell.refused("quality", "unmute", "orders", "freshness").endswith("Muted are: none.")


def test_what_cannot_be_said_is_a_sentence(shell: Shell) -> None:
    wrong = shell.refused("quality", "mute", "orders", "fresh", "--for", "P1D", "--why", "x")
    assert "'fresh' is no check. There are freshness" in wrong
    assert shell("quality", "mute", "orders", "freshness", "--for", "soon", "--why", "x").exit_code == 2
    assert "nothing is learned for it" in shell.refused("quality", "accept", "orders", "freshness")
    assert "python -m flows.quality_checks oders" in shell.refused("quality", "status", "oders")


def test_the_table_is_asked_verified_and_kept_up_like_any_other(shell: Shell) -> None:
    [row] = shell.json("sql", "select incident from _quality where result = 'not met'")
    assert row == {"incident": "orders/freshness/1"}
    assert shell.json("lake", "verify", "_quality")["ok"]
    assert shell.json("lake", "maintain", "_quality")["problems"] == []
    assert shell.json("quarantine", "list") == []
    there = {stream["stream"]: stream for stream in shell.json("lake", "backup", (shell.folder / "copy").as_uri())}
    assert there["_quality"]["commits"] == 1
