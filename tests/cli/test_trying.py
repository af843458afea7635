"""What is told of a stream before it runs: what a run would do, and whether its source has drifted."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.test_commands import Shell
from tests.conftest import SUITE, World, order, orders
from tests.fake_api import LOCAL, FakeApi


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def described(project: Path, api: str, **changes: object) -> None:
    """Put a stream of the fake API into the project, and what it has to meet."""
    (project / "streams").mkdir(exist_ok=True)
    (project / "expectations").mkdir(exist_ok=True)
    source = {
        "kind": "api", "block": {"base_url": api, "private_networks": LOCAL},
        "path": "/linked", "records": "items.rows",
        "paginate": {"kind": "auto"},
        "cursor": {"field": "at", "param": "since", "initial": datetime(2026, 1, 1, tzinfo=UTC)},
    }  # fmt: skip
    stream = {"name": "orders", "source": source, "key": ["id"], "suite": "orders", **changes}
    (project / "streams" / "orders.yaml").write_text(yaml.safe_dump(stream))
    (project / "expectations" / "orders.json").write_text(json.dumps(SUITE))


def test_a_stream_is_tried_and_nothing_is_written(shell: Shell, api: FakeApi, tmp_path: Path) -> None:
    api.records = orders(250)
    described(tmp_path, api.url)
    before = sorted(tmp_path.rglob("*"))
    done = shell.by_itself("try", "orders", "--limit", "150")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(said in done.stdout for said in ("amount", "int64", "next_link", "Nothing was written."))
    assert sorted(tmp_path.rglob("*")) == before


def test_who_tries_a_stream_asks_no_page_twice(shell: Shell, api: FakeApi, tmp_path: Path) -> None:
    """Also not to find out how pages follow each other, nor any page of a claim that is not shown."""
    api.records = orders(900)
    described(tmp_path, api.url)
    told = json.loads(shell("try", "orders", "--limit", "150", "--json").stdout)
    assert (told["paginate"], told["read"]) == ({"kind": "next_link", "next": "next"}, 100)
    assert len(api.asked) == len(set(api.asked)) == 2


def test_what_would_be_set_aside_is_shown_and_told_by_the_exit_code(shell: Shell, api: FakeApi, tmp_path: Path) -> None:
    api.records = [*orders(40), order(41, amount=None)]
    described(tmp_path, api.url)
    done = shell("try", "orders", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert (told["read"], told["loaded"], told["set_aside"]) == (41, 40, {"amount not null": 1})


def test_a_key_that_does_not_tell_records_apart_is_shown_and_told_by_the_exit_code(
    shell: Shell, api: FakeApi, tmp_path: Path
) -> None:
    api.records = [order(1), order(1), order(1, amount=2, id=1)]
    described(tmp_path, api.url)
    done = shell("try", "orders")
    assert done.returncode == 1
    assert "1 record has the key (id) and cursor (at) of an earlier one" in done.stdout
    assert shell.json("try", "orders")["collisions"] == {"rows": 1, "fields": ["amount"]}


def test_a_source_is_held_against_what_is_committed_of_it(shell: Shell, world: World, tmp_path: Path) -> None:
    world.api.records = orders(302)
    world.run()
    described(tmp_path, world.api.url)
    before = sorted(tmp_path.rglob("*"))
    done = shell.by_itself("check-source", "orders")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("302 records all are as the stream expects them.\n")
    world.api.records = [{**order(1), "coupon": "x"}]
    assert shell("check-source", "orders").returncode == 0
    world.api.records = [order(1, amount="many")]
    done = shell("check-source", "orders")
    assert done.returncode == 1
    assert "1 record holds what is not int64 and would be set aside" in done.stdout
    told = shell.json("check-source", "orders")
    assert (told["matters"], told["set_aside"], told["findings"][0]["effect"]) == (True, 1, "set aside")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"source": {"kind": "webhook", "block": "webhook-source/orders"}}, "is posted to the gateway and not read"),
        ({}, "orders has no records now"),
        ({"suite": "missing"}, "missing"),
    ],
)
def test_a_source_that_cannot_be_checked_exits_with_2(
    shell: Shell, api: FakeApi, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    described(tmp_path, api.url, **changes)
    done = shell("check-source", "orders")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stream_without_records_says_so(shell: Shell, api: FakeApi, tmp_path: Path) -> None:
    described(tmp_path, api.url)
    done = shell("try", "orders")
    assert (done.returncode, done.stdout) == (0, "orders has no records now.\n")


def test_an_api_that_refuses_is_told_in_a_sentence(shell: Shell, api: FakeApi, tmp_path: Path) -> None:
    api.fault = lambda _: (403, {}, b"who are you")
    described(tmp_path, api.url)
    done = shell("try", "orders")
    assert (done.returncode, done.stdout) == (1, "")
    assert "answered 403: 'who are you'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stream_that_is_posted_cannot_be_tried(shell: Shell, tmp_path: Path) -> None:
    described(tmp_path, "http://127.0.0.1:1", source={"kind": "webhook", "block": "webhook-source/orders"})
    done = shell("try", "orders")
    assert (done.returncode, done.stdout) == (1, "")
    assert "orders is posted to the gateway and not read" in done.stderr
    assert "Traceback" not in done.stderr
