"""A stream of one's own begins with one look at its API."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from datastream.sketch import NoRecords, sketch
from datastream.sources.answer import Answer
from deployments.scaffold import Draft, NotBehindBlock, refuse_elsewhere
from tests.cli.test_commands import Shell
from tests.conftest import orders
from tests.fake_api import FakeApi, ok
from tests.flows.conftest import ROOT


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    for folder in ("streams", "expectations"):
        (tmp_path / folder).mkdir()
    shutil.copy(Path(ROOT) / "prefect.yaml", tmp_path)
    return Shell(tmp_path)


def new(shell: Shell, api: FakeApi, *words: str) -> Any:
    return new_of(shell, f"{api.url}/linked?page=1&state=all", *words)


def new_of(shell: Shell, url: str, *words: str) -> Any:
    return shell(*making(url), *words)


def making(url: str) -> tuple[str, ...]:
    return "new", "stream", "orders", "--url", url, "--private-network", "127.0.0.1"


def test_a_stream_is_written_that_can_be_tried_at_once(shell: Shell, api: FakeApi, tmp_path: Path) -> None:
    api.records = orders(250)
    done = shell.by_itself(*making(f"{api.url}/linked?page=1&state=all"))
    assert (done.returncode, done.stderr) == (0, "")
    described = yaml.safe_load((tmp_path / "streams/orders.yaml").read_text())
    assert described["source"]["path"] == "/linked"
    assert described["source"]["params"] == {"state": "all"}
    assert (described["source"]["records"], described["source"]["paginate"]) == (
        "items.rows", {"kind": "next_link", "next": "next"},
    )  # fmt: skip
    assert described["key"] == ["id"]
    tried = json.loads(shell("try", "orders", "--json").stdout)
    assert (tried["read"], tried["loaded"]) == (250, 250)


@pytest.mark.parametrize("initial", ["2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01T02:00:00+02:00"])
def test_a_time_is_written_as_a_person_would(shell: Shell, api: FakeApi, tmp_path: Path, initial: str) -> None:
    api.records = orders(3)
    new(shell, api, "--cursor", "at:since", "--initial", initial)
    described = (tmp_path / "streams/orders.yaml").read_text()
    assert "cursor: {field: at, param: since, initial: 2026-01-01T00:00:00Z}" in described


def test_its_deployment_is_added_and_the_others_stay(shell: Shell, api: FakeApi, tmp_path: Path) -> None:
    api.records = orders(3)
    before = (tmp_path / "prefect.yaml").read_text()
    new(shell, api)
    after = (tmp_path / "prefect.yaml").read_text()
    assert after.startswith(before.rstrip())
    added = yaml.safe_load(after)["deployments"][-1]
    assert (added["name"], added["parameters"]["stream"]) == ("orders", "orders")


def test_a_deployment_file_of_another_make_is_left_alone(shell: Shell, api: FakeApi, tmp_path: Path) -> None:
    api.records = orders(3)
    (tmp_path / "prefect.yaml").write_text("deployments: []\nname: mine\n")
    assert new(shell, api).returncode == 0
    assert (tmp_path / "prefect.yaml").read_text() == "deployments: []\nname: mine\n"


def test_a_stream_that_is_there_is_not_replaced(shell: Shell, api: FakeApi, tmp_path: Path) -> None:
    api.records = orders(3)
    (tmp_path / "streams/orders.yaml").write_text("mine\n")
    done = new(shell, api)
    assert (done.returncode, (tmp_path / "streams/orders.yaml").read_text()) == (1, "mine\n")
    assert "exist already. Edit them, or give the stream another name." in done.stderr


@pytest.mark.parametrize("name", ["Orders", "../orders", "orders_quarantine", ""])
def test_a_name_that_cannot_be_is_refused_and_nothing_is_written(
    shell: Shell, api: FakeApi, tmp_path: Path, name: str
) -> None:
    api.records = orders(3)
    done = shell("new", "stream", name, "--url", f"{api.url}/linked", "--private-network", "127.0.0.1")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert sorted(file.name for file in tmp_path.rglob("*") if file.is_file()) == ["prefect.yaml"]


@pytest.mark.parametrize("url", ["nowhere", "ftp://127.0.0.1/x", "http://me:secret@127.0.0.1/x", "http://[x"])
def test_an_address_that_cannot_be_is_refused(shell: Shell, url: str) -> None:
    done = shell("new", "stream", "orders", "--url", url)
    assert done.returncode == 1
    assert done.stderr.startswith("datastream: base_url: ")
    assert "secret" not in done.stderr


@pytest.mark.parametrize("name", ["api_key", "apikey", "key", "Token", "access_token", "secret", "sig"])
def test_a_secret_in_the_address_is_sent_to_its_block_and_shown_nowhere(
    shell: Shell, api: FakeApi, tmp_path: Path, name: str
) -> None:
    api.records = orders(3)
    done = new_of(shell, f"{api.url}/linked?state=all&{name}=hush")
    assert (done.returncode, api.asked) == (1, [])
    assert f"auth: {{kind: api_key, name: {name}, place: query, value: ...}}" in done.stderr
    assert "hush" not in done.stderr + done.stdout
    assert not list(tmp_path.glob("streams/*"))


def test_a_parameter_that_stands_twice_is_refused_and_an_empty_one_is_kept(
    shell: Shell, api: FakeApi, tmp_path: Path
) -> None:
    api.records = orders(3)
    done = new_of(shell, f"{api.url}/linked?state=a&state=b&page=1&page=2")
    assert (done.returncode, api.asked) == (1, [])
    assert "--url names state more than once" in done.stderr
    assert new_of(shell, f"{api.url}/linked?state=&page=1").returncode == 0
    assert yaml.safe_load((tmp_path / "streams/orders.yaml").read_text())["source"]["params"] == {"state": ""}


def test_an_answer_without_records_is_told(shell: Shell, api: FakeApi) -> None:
    api.pages = lambda _: ok({"message": "hello"})
    done = new(shell, api)
    assert done.returncode == 1
    assert "without a list of records" in done.stderr


def test_what_nobody_can_be_asked_is_told_with_its_option(shell: Shell, api: FakeApi) -> None:
    """A field that differs in one answer may not in the next, and rows would be taken for duplicates."""
    api.pages = lambda _: ok([{"hour": 1}, {"hour": 2}])
    done = new(shell, api)
    assert done.returncode == 1
    assert "In this answer hour differ, which they may not do in the next." in done.stderr
    assert "Say it with --key FIELD, once for each." in done.stderr


def test_an_api_inside_is_told_with_the_option(shell: Shell, api: FakeApi) -> None:
    done = shell("new", "stream", "orders", "--url", f"{api.url}/linked")
    assert done.returncode == 1
    assert "Here: --private-network ADDRESS." in done.stderr


BLOCK = "https://api.example.org/v1"


@pytest.mark.parametrize(
    "url", ["https://api.example.org/v2/orders", "https://api.example.org/v11", "http://api.example.org/v1/orders",
            "https://elsewhere.org/v1/orders"],
)  # fmt: skip
def test_credentials_of_a_block_are_sent_nowhere_else(url: str) -> None:
    with pytest.raises(NotBehindBlock, match=r"api-source/orders' and its credentials belong"):
        refuse_elsewhere(url, BLOCK, "api-source/orders")


def test_behind_a_block_the_path_goes_on_where_its_address_ends() -> None:
    url = f"{BLOCK}/orders?state=all"
    refuse_elsewhere(url, BLOCK, "api-source/orders")
    source = Draft("orders", url, "", {"kind": "single"}, ["id"], "api-source/orders", BLOCK).described["source"]
    assert (source["block"], source["path"], source["params"]) == ("api-source/orders", "/orders", {"state": "all"})


ANSWERS = {
    "a list": ([{"id": 1}, {"id": 2}], "", ["id"]),
    "within": ({"meta": {"tags": [{"t": "x"}]}, "data": {"items": [{"code": "a", "n": 1}, {"code": "b", "n": 1}]}},
               "data.items", ["code"]),
    "the usual name first": ([{"n": 1, "order_id": 7, "id": 5}, {"n": 2, "order_id": 8, "id": 6}], "",
                             ["id"]),
    "no null": ([{"id": None, "code": 1}, {"id": 1, "code": 2}], "", ["code"]),
    "never another's": ([{"user_id": 1, "humid": 2}, {"user_id": 2, "humid": 3}], "", []),
    "never a time": ([{"at": "2026-01-01T00:00:00Z"}, {"at": "2026-01-01T01:00:00Z"}], "", []),
}  # fmt: skip


@pytest.mark.parametrize(("body", "path", "keys"), ANSWERS.values(), ids=ANSWERS.keys())
def test_records_and_keys_are_found(body: object, path: str, keys: list[str]) -> None:
    found = sketch(Answer("u", json.dumps(body).encode()))
    assert (found.records, found.keys) == (path, keys)


def test_times_are_found() -> None:
    rows = [{"day": "2026-01-01", "at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-02T00:00:00+01:00", "n": 1}]
    assert sketch(Answer("u", json.dumps(rows).encode())).times == ["updated_at", "at"]


def test_records_that_are_not_where_they_should_be_are_told() -> None:
    with pytest.raises(NoRecords, match=r"at 'items'.*--records"):
        sketch(Answer("u", b'{"rows": [{"id": 1}]}'), "items")
