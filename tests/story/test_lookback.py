"""Looking back: what is committed is held against the suite of today, and nothing on the lake is changed."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from datastream.lake.reader import FileBroken
from datastream.lookback import Findings, WindowWrong, judge, look_back, since
from datastream.quality import SuiteErrored, load_suite
from tests.conftest import World, order, orders, stream_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def demand(world: World, kind: str, severity: str = "critical", **kwargs: Any) -> None:
    """Make the suite of today one rule."""
    rule = {"type": f"expect_{kind}", "kwargs": kwargs, "severity": severity}
    (world.suites / "orders.json").write_text(json.dumps({"name": "orders", "expectations": [rule]}))


def found(world: World, window: str = "all") -> Findings:
    suite = load_suite(world.suites, "orders")
    lookback = look_back(world.stream, suite, world.store, since(window, world.clock.now()))
    findings = Findings(lookback)
    for piece in lookback.pieces:
        findings.add(judge(lookback, piece))
    return findings


def test_what_was_loaded_by_the_suite_of_today_meets_it(world: World) -> None:
    world.api.records = [*orders(700), order(800, amount=None), order(801, amount=5000)]
    world.run()
    findings = found(world)
    assert findings.broken == []
    assert str(findings).startswith("Suite 'orders' (version ")
    assert str(findings).endswith("is met by 701 rows of 2 commits; 1 row would be warned of.")


def test_a_stricter_suite_finds_the_rows_and_where_they_stand(world: World) -> None:
    world.api.records = orders(700)
    world.run()
    demand(world, "column_values_to_be_between", column="amount", max_value=600)
    findings = found(world)
    assert (findings.set_aside, findings.broken) == (100, ["amount <= 600 (100 rows)"])
    assert "is not met by 700 rows of 2 commits: amount <= 600 (100 rows). It would set 100 rows" in str(findings)
    assert len(findings.samples) == 10
    assert list(findings.samples[0].items())[:2] == [("_rules", "amount <= 600"), ("_commit", "0-000000000002")]
    assert findings.samples[0]["id"] == 601


def test_a_rule_that_only_warns_fails_nothing(world: World) -> None:
    world.api.records = orders(20)
    world.run()
    demand(world, "column_values_to_be_between", "warning", column="amount", max_value=10)
    assert (found(world).broken, found(world).samples) == ([], [])
    world.stream = stream_of(on_failure={"warning": "quarantine"})
    assert found(world).broken == ["amount <= 10 (10 rows)"]


def test_what_is_said_of_a_table_is_said_of_each_commit(world: World) -> None:
    world.api.records = orders(700)
    world.run()
    demand(world, "table_row_count_to_be_between", min_value=300)
    assert found(world).broken == ["row count >= 300 (as a whole in 1 commit)"]


def test_a_window_holds_what_was_committed_within_it(world: World) -> None:
    world.api.records = orders(20)
    world.run()
    world.clock.advance(timedelta(days=2))
    world.api.records += orders(40, start=21)
    world.run()
    assert (found(world).tally.rows, found(world, "P1D").tally.rows) == (60, 40)


def test_where_nothing_was_committed_there_is_nothing_to_check(world: World) -> None:
    assert str(found(world)) == "No row of 'orders' was committed: there is nothing to check."
    assert "was committed since 2026-12-31T00:00:00Z" in str(found(world, "P1D"))


def test_a_column_that_came_later_is_null_before(world: World) -> None:
    world.api.records = orders(20)
    world.run()
    world.api.records.append(order(21, gate="B4"))
    world.run()
    demand(world, "column_values_to_not_be_null", column="gate")
    assert found(world).broken == ["gate not null (20 rows)"]


def test_a_column_that_never_had_a_value_is_there(world: World) -> None:
    """It is in no file, and the suite was asked about it all the same."""
    world.api.records = [order(1, gate=None)]
    world.run()
    demand(world, "column_values_to_be_null", column="gate")
    assert found(world).broken == []


def test_the_suite_sees_the_columns_that_it_saw_when_the_rows_were_loaded(world: World) -> None:
    demand(world, "table_columns_to_match_set", column_set=["id", "at", "amount", "_record_id"])
    world.api.records = orders(20)
    world.run()
    assert found(world).broken == []


def test_a_column_that_is_nowhere_is_no_finding_but_an_error(world: World) -> None:
    world.api.records = orders(20)
    world.run()
    demand(world, "column_values_to_not_be_null", column="amuont")
    with pytest.raises(SuiteErrored, match="amuont"):
        found(world)


def test_a_broken_file_is_named_with_its_commit(world: World) -> None:
    world.api.records = orders(20)
    [commit] = world.run()
    key = commit.files[0].key
    data = world.store.read(key)
    world.store.delete(key)
    world.store.create(key, data[: len(data) // 2])
    with pytest.raises(FileBroken, match="of commit 0-000000000001 is broken"):
        found(world)


@pytest.mark.parametrize(
    ("window", "back"), [("P1D", timedelta(days=1)), ("PT6H", timedelta(hours=6)), ("P4W", timedelta(weeks=4))]
)
def test_a_window_is_a_duration(window: str, back: timedelta) -> None:
    assert since(window, NOW) == NOW - back


@pytest.mark.parametrize("window", ["", "none", "P0D", "-P1D", "P999999999D", "P1X", "1", "All", "2026-01-01"])
def test_anything_else_is_refused_with_a_sentence(window: str) -> None:
    with pytest.raises(WindowWrong, match="no time to look back for"):
        since(window, NOW)
