"""`datastream quarantine`: what was set aside, and the way back."""

import json
from pathlib import Path

import pytest

from tests.cli.test_commands import Shell
from tests.conftest import SUITE, World, order, orders, stream_of

STREAM = """
name: orders
source: {kind: api, block: {base_url: "http://127.0.0.1:1"}, path: /numbered, records: data,
  paginate: {kind: page_number, total: total},
  cursor: {field: at, param: since, initial: 2026-01-01T00:00:00Z, lag: PT1H}}
key: [id]
transform: tests.transforms:timed
partition_by: {field: at}
suite: orders
on_failure: {warning: hold}
batch: {size: 100, per_commit: 5}
"""


@pytest.fixture
def shell(world: World, tmp_path: Path) -> Shell:
    """Three rows are loaded and two set aside; then a claim of two is held."""
    for folder, name, text in (("streams", "orders.yaml", STREAM), ("expectations", "orders.json", json.dumps(SUITE))):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_text(text)
    world.stream = stream_of(on_failure={"warning": "hold"})
    world.api.records += [*orders(3), order(4, amount=None), order(5, amount=None)]
    world.run()
    world.api.records += [order(600), order(601, amount=5000)]
    world.run()
    return Shell(tmp_path)


def test_held_claims_are_listed_with_their_reason(shell: Shell) -> None:
    [held] = shell.json("quarantine", "list", "--held")
    assert (held["commit"], held["state"], held["rules"]) == ("orders/0-000000000002", "held", ["amount <= 1000"])
    assert "orders/0-000000000002" in shell("quarantine", "list", "orders", "--held").stdout


def test_rows_are_shown_with_what_was_observed_and_of_one_commit(shell: Shell) -> None:
    rows = shell.json("quarantine", "show", "orders", "--commit", "0-000000000002", "--rule", "amount <= 1000")
    assert [(row["id"], row["_observed"][0]) for row in rows] == [(601, "5000")]


def test_a_dry_run_tells_and_changes_nothing(shell: Shell) -> None:
    done = shell("quarantine", "replay", "orders", "--set", "amount=case when id = 4 then 1 end", "--dry-run")
    assert done.stdout.splitlines()[-1] == (
        "1 of 2 rows of 'orders' would be loaded from quarantine; 1 stay, by what they break today: "
        "amount not null (1)."
    )  # fmt: skip
    assert shell.json("lake", "count", "orders")["loaded"] == 3


def test_rows_are_mended_and_loaded_and_the_accounts_follow(shell: Shell) -> None:
    found = shell.json("quarantine", "replay", "orders", "--where", "id = 4", "--set", "amount=7")
    assert (found["taken"], found["loaded"], found["commits"]) == (1, 1, ["replay-000000000001"])
    counted = shell.json("lake", "count", "orders")
    assert (counted["loaded"], counted["quarantined"], counted["duplicates"]) == (4, 3, 2)
    verified = shell.json("lake", "verify", "orders")
    assert (verified["ok"], verified["read"], verified["loaded"], verified["quarantined"]) == (True, 9, 4, 3)


def test_a_held_claim_is_released_by_its_name_alone(shell: Shell) -> None:
    assert shell.json("quarantine", "release", "0-000000000002")["loaded"] == 2
    assert shell.json("quarantine", "release", "orders/0-000000000002")["loaded"] == 0
    again = shell("quarantine", "reject", "orders/0-000000000002")
    assert (again.returncode, "was released before" in again.stderr) == (1, True)


def test_a_held_claim_is_rejected(shell: Shell) -> None:
    done = shell("quarantine", "reject", "orders/0-000000000002")
    assert done.stdout == "Commit 0-000000000002 of 'orders' is rejected: its 2 rows stay in quarantine.\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("replay", "orders", "--set", "amount"), 2, "'amount' sets nothing. Write FIELD=SQL"),
        (("replay", "orders", "--set", "amuont=1"), 1, "'amuont' is to be set"),
        (("replay", "orders", "--where", "amuont = 1"), 1, "The rows cannot be chosen or mended as asked"),
        (("replay", "others"), 1, "holds no commit of 'others'"),
        (("release", "0-000000000001"), 1, "is not held. Held are: orders/0-000000000002."),
        (("reject", "others/0-000000000001"), 1, "holds no commit of 'others'"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(shell: Shell, words: tuple[str, ...], code: int, said: str) -> None:
    done = shell("quarantine", *words)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
