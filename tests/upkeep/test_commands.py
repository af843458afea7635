"""Maintenance from the command line: what is done is told, asked for first where it is for good, and in JSON."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.commands import DATASTREAM, run
from tests.conftest import World, order, orders
from tests.flows.conftest import STREAM


class Shell:
    """`datastream` in a project of the test's own, over the lake of its world."""

    def __init__(self, project: Path) -> None:
        (project / "streams").mkdir()
        self.stream_file = project / "streams" / "orders.yaml"
        self.asks_for("")
        self._env = {**os.environ, "DATASTREAM_PROJECT": str(project), "COLUMNS": "200"}
        self._env["DATASTREAM_LAKE_URI"] = (project / "lake").as_uri()

    def asks_for(self, what: str) -> None:
        self.stream_file.write_text(STREAM % "http://127.0.0.1:1" + what)

    def __call__(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return run(DATASTREAM, *words, env=self._env, given=given)

    def json(self, *words: str):
        done = self(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def shell(world: World, tmp_path: Path) -> Shell:
    world.api.records = [*orders(300), order(301, amount=None)]
    world.run()
    world.api.records += orders(300, start=302)
    world.run()
    return Shell(tmp_path)


def test_compaction_tells_what_it_did_and_that_there_is_nothing_to_do(shell: Shell) -> None:
    shell.asks_for("compact: {after: PT0S}\n")
    before = len(shell.json("lake", "files", "orders"))
    done = shell.json("lake", "compact", "orders")
    found = shell.json("lake", "files", "orders")
    assert (done["files_before"] > done["files_after"], len(found) < before) == (True, True)
    assert (sum(file["rows"] for file in found), shell.json("lake", "count", "orders")["loaded"]) == (600, 600)
    assert any(" to " in file["commit"] for file in found)
    assert shell("lake", "compact", "orders").stdout == "orders: there was nothing to put together.\n"
    assert shell.json("lake", "verify", "orders")["ok"]


def test_a_stream_that_does_not_ask_for_compaction_is_left_alone(shell: Shell) -> None:
    done = shell("lake", "compact", "orders")
    assert (done.returncode, "add `compact: {}`" in done.stderr) == (1, True)


def test_forgetting_shows_what_is_there_and_asks_first(shell: Shell) -> None:
    refused = shell("lake", "forget", "orders", "--key", "id=5", given="n\n")
    assert "Rows of orders with id=5: 1 in its data, 0 in its quarantine" in refused.stdout
    assert (refused.returncode, shell.json("sql", "select count(*) as n from orders where id = 5")) == (1, [{"n": 1}])
    assert shell("lake", "forget", "orders", "--key", "id=5", given="y\n").returncode == 0
    assert shell.json("sql", "select count(*) as n from orders where id = 5") == [{"n": 0}]
    assert "nothing to forget" in shell("lake", "forget", "orders", "--key", "id=5").stdout


def test_forgetting_reaches_into_quarantine_and_what_comes_again_is_a_duplicate(shell: Shell, world: World) -> None:
    done = shell.json("lake", "forget", "orders", "--key", "id=301", "--yes")
    assert done == {
        "stream": "orders", "key": {"id": "301"}, "data": 0, "quarantined": 1, "files": 1, "forgotten": True,
    }  # fmt: skip
    assert shell.json("quarantine", "list", "orders") == []
    shell("lake", "forget", "orders", "--key", "id=601", "--yes")
    [commit] = world.run()
    assert (commit.header.accounts.loaded, world.rows("select count(*) from orders where id in (301, 601)")) == (
        0,
        [(0,)],
    )
    assert shell.json("lake", "verify", "orders")["problems"] == []


@pytest.mark.parametrize("key", ["id", "=5"])
def test_a_key_that_is_none_is_told(shell: Shell, key: str) -> None:
    done = shell("lake", "forget", "orders", "--key", key)
    assert (done.returncode, "write it as COLUMN=VALUE" in done.stderr) == (2, True)


def test_maintenance_does_all_of_it_and_goes_on_loading(shell: Shell, world: World) -> None:
    shell.asks_for("compact: {after: PT0S}\nretention: {data: P9000D, quarantine: P9000D, log: P9000D}\n")
    done = shell.json("lake", "maintain", "orders")
    assert [row["step"] for row in done["steps"]] == [
        "expire", "fold the log", "compact", "sweep", "verify", "strangers",
    ]  # fmt: skip
    assert "files became" in done["steps"][2]["did"]
    world.api.records += orders(50, start=1000)
    [*_, commit] = world.run()
    assert commit.header.accounts.loaded == 50
    assert shell.json("lake", "verify", "orders")["loaded"] == 650


def test_the_past_is_asked_by_a_commit_or_a_time(shell: Shell) -> None:
    asked = "select count(*) as n from orders"
    assert shell.json("sql", asked, "--as-of", "0-000000000001") == [{"n": 300}]
    assert shell.json("sql", asked, "--as-of", "2999-01-01") == [{"n": 600}]
    assert shell.json("sql", "select count(*) as n from orders_current") == [{"n": 600}]
    done = shell("sql", asked, "--as-of", "soon")
    assert (done.returncode, "neither a time nor a commit" in done.stderr) == (1, True)
