"""`datastream quality`: how streams are, and what people say of them, from the command line."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
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

    def __init__(self, folder: Path, kept: Kept) -> None:
        self.folder, self.kept = folder, kept
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
    return Shell(tmp_path, kept)


def test_incidents_are_listed_muted_and_told_again(shell: Shell) -> None:
    [incident] = shell.json("quality", "incidents")
    assert (incident["incident"], incident["how"]) == ("orders/freshness/1", None)
    assert "rows were loaded 1 d ago" in shell("quality", "incidents", "orders").stdout
    done = shell("quality", "mute", "orders", "freshness", "--for", "P1D", "--why", "the source is moved")
    assert done.stdout.startswith("freshness of orders is muted until 2")
    assert shell.json("quality", "incidents")[0]["how"] == "muted"
    [fresh] = [line for line in shell.json("quality", "status", "orders") if line["check"] == "freshness"]
    assert (fresh["result"], fresh["muted_until"] is None) == ("not met", False)
    assert "the source is moved" in (shell.folder / "lake" / "_report" / "quality.html").read_text(), "and at once"
    assert shell("quality", "unmute", "orders", "freshness").stdout == "freshness of orders is told again.\n"
    assert "the source is moved" not in (shell.folder / "lake" / "_report" / "quality.html").read_text()
    assert shell.refused("quality", "unmute", "orders", "freshness").endswith("Muted are: none.")


def test_what_is_said_of_a_check_is_json_for_machines(shell: Shell) -> None:
    made = shell.json("quality", "mute", "orders", "nulls:id", "--for", "P1D", "--why", "x")
    assert (made["stream"], made["check"], made["why"], made["until"][:2]) == ("orders", "nulls:id", "x", "20")
    assert shell.json("quality", "unmute", "orders", "nulls:id")["until"] is None
    for day in range(12):
        shell.kept.load(100 if day < 11 else 9000, after=DAY)
        shell.kept.check()
    shell.kept.clock.advance(DAY)
    shell.kept.check()
    accepted = shell.json("quality", "accept", "orders", "volume")
    assert (accepted["stream"], accepted["incident"][:14]) == ("orders", "orders/volume/")
    assert accepted["learned_from"] == shell.kept.state.incidents.closed[-1].since.isoformat()


def test_the_status_is_that_of_the_last_look_and_names_the_columns_that_are_odd(shell: Shell) -> None:
    for _ in range(12):
        shell.kept.load(200, after=DAY)
        shell.kept.check()
    assert {line["check"] for line in shell.json("quality", "status")} >= {"nulls", "uniqueness"}
    shell.kept.load(pa.table({"id": pa.nulls(200, pa.int64())}), after=DAY)
    shell.kept.check()
    found = {line["check"]: line for line in shell.json("quality", "status", "orders")}
    assert "nulls" not in found, "it was met the time before"
    assert (found["nulls:id"]["result"], found["nulls:id"]["told"][:7]) == ("not met", "100.00%")
    assert found["nulls:id"]["incident"] in [each["incident"] for each in shell.json("quality", "incidents")]


def test_a_page_that_cannot_be_written_undoes_no_mute(shell: Shell) -> None:
    (shell.folder / "lake" / "_report").write_text("in the way")
    done = shell("quality", "mute", "orders", "freshness", "--for", "P1D", "--why", "x")
    assert (done.exit_code, "It is kept, and the quality page shows it after the next run" in done.stderr) == (0, True)
    assert shell.json("quality", "incidents")[0]["how"] == "muted"


def test_what_cannot_be_said_is_a_sentence(shell: Shell) -> None:
    wrong = shell.refused("quality", "mute", "orders", "fresh", "--for", "P1D", "--why", "x")
    assert "'fresh' is no check. There are freshness" in wrong
    for never in ("soon", "--", "P1Y2", ""):
        assert shell("quality", "mute", "orders", "freshness", "--for", never, "--why", "x").exit_code == 2
    for no_time in ("-P1D", "PT0S", "P400D"):
        said = shell.refused("quality", "mute", "orders", "freshness", "--for", no_time, "--why", "x")
        assert "which is no time up to a year" in said
    assert "without: volume" in shell.refused("quality", "mute", "orders", "volume:id", "--for", "P1D", "--why", "x")
    long = shell.refused("quality", "mute", "orders", "volume", "--for", "P1D", "--why", "x" * 1001)
    assert "1,000 characters" in long
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
