"""The flow `data-validation` on a real Prefect server: what is committed is held against the suite of today."""

import json
import os
from pathlib import Path

import pytest

from tests.conftest import order, orders
from tests.flows.conftest import Project, python


def lake(project: Project) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in project.folder.glob("lake/**/*") if file.is_file()}


def demand_small_amounts(project: Project) -> None:
    rule = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "amount", "max_value": 600}}
    suite = {"name": "orders", "expectations": [{**rule, "severity": "critical"}]}
    (project.folder / "expectations/orders.json").write_text(json.dumps(suite))


def test_rows_that_break_the_suite_of_today_are_counted_and_shown_and_stay(project: Project) -> None:
    project.load(*orders(700))
    demand_small_amounts(project)
    before = lake(project)
    done = project.run("orders", "all", flow="data_validation")
    run, shown = project.last_run, project.artifacts
    assert (done.returncode, run["name"], run["state_type"]) == (1, "orders all", "FAILED")
    assert "is not met by 700 rows of 2 commits: amount <= 600 (100 rows)" in run["state"]["message"]
    assert run["state"]["message"] in done.stderr.splitlines()
    assert "Traceback" not in done.stderr
    assert shown["orders-lookback-progress"]["data"] == 100.0
    report = shown["orders-lookback"]["data"]
    assert "700 rows checked in 2 commits" in report
    assert "| amount &lt;= 600 | critical | failed | 100 |" in report
    assert report.count("| amount &lt;= 600 | 0-000000000002 |") == 10, "ten rows, each with its rule and commit"
    assert lake(project) == before


@pytest.mark.full
def test_where_nothing_was_committed_there_is_nothing_to_check(project: Project) -> None:
    done = project.run(flow="data_validation")
    assert (done.returncode, project.last_run["state_type"]) == (0, "COMPLETED"), done.stderr
    assert "No row of 'orders' was committed since 20" in project.last_run["state"]["message"]


@pytest.mark.parametrize(
    ("window", "suite", "said"),
    [("yesterday", "orders", "window is 'yesterday'"), ("P1D", "ordres", "Suite 'ordres' does not exist")],
)
def test_what_it_cannot_do_is_a_sentence(project: Project, window: str, suite: str, said: str) -> None:
    project.stream("suite: orders", f"suite: {suite}")
    done = project.run("orders", window, flow="data_validation")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert said in done.stderr


def test_a_missing_file_is_named_with_its_commit(project: Project) -> None:
    project.load(order(1))
    [file] = project.folder.glob("lake/orders/data/**/*.parquet")
    file.unlink()
    done = project.by_itself("data_validation")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert f"{file.name} of commit 0-000000000001 is missing" in done.stderr


def test_another_suite_is_tried_by_rule_and_day(project: Project) -> None:
    project.load(*orders(700), order(800, amount=None))
    rule = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "amount", "max_value": 600}}
    (project.folder / "expectations/next.json").write_text(json.dumps({"expectations": [rule]}))
    [said] = python(
        {**os.environ, **project.environment},
        "from flows.data_validation import data_validation",
        "print(data_validation('orders', 'all', suite='next', return_state=True).message)",
    )
    assert "would have rejected 100; 1 were. 100 would be new, 1 would be rejected no more." in said
    assert project.last_run["state_type"] == "COMPLETED"
    assert '"rule": "amount <= 600"' in project.artifacts["orders-backtest"]["data"]


def test_a_file_is_held_against_the_suite(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "orders.jsonl"
    file.write_text("".join(json.dumps(order(n, amount=None if n == 2 else n)) + "\n" for n in (1, 2, 3)))
    [said] = python(
        {**os.environ, **project.environment},
        "from flows.data_validation import data_validation",
        f"print(data_validation('orders', file={str(file)!r}, return_state=True).message)",
    )
    assert said == f"1 of 3 rows of {file} break a rule of suite 'orders'."
    assert project.last_run["state_type"] == "FAILED"
