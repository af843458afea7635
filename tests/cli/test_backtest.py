"""`datastream backtest`: a suite is tried on what was claimed before."""

import json
from pathlib import Path

from tests.cli.test_commands import Shell
from tests.cli.test_quarantine import STREAM
from tests.conftest import SUITE, World, order, orders


def test_a_draft_is_tried_on_the_commits_of_a_stream(world: World, tmp_path: Path) -> None:
    rule = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "amount", "max_value": 18}}
    suites = {"orders.json": SUITE, "draft.json": {"expectations": [rule]}}
    for folder, files in (("streams", {"orders.yaml": STREAM}), ("expectations", suites)):
        (tmp_path / folder).mkdir(exist_ok=True)
        for name, content in files.items():
            text = content if isinstance(content, str) else json.dumps(content)
            (tmp_path / folder / name).write_text(text)
    world.api.records = [*orders(20), order(21, amount=None)]
    world.run()
    shell = Shell(tmp_path)
    words = ("backtest", "orders", "--suite", "draft", "--window", "all")
    assert "would have rejected 2; 1 were" in shell(*words).stdout.splitlines()[-1]
    found = shell.json(*words)
    assert (found["rows"], found["new"], found["rules"][0]["rule"]) == (21, 2, "amount <= 18")
    missing = shell("backtest", "orders", "--suite", "none")
    assert (missing.returncode, "Suite 'none' does not exist" in missing.stderr) == (1, True)
