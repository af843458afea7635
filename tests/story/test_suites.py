"""What a suite says of a claim decides which rows are loaded and which are set aside, and why."""

import json
from pathlib import Path
from typing import Any

import pytest

from datastream.lake.verify import verify
from datastream.lookback import judge, look_back
from datastream.quality import SuiteErrored, load_suite
from datastream.records import Accounts
from tests.conftest import World, order, orders, stream_of

SCHEMA = {"column": "note", "json_schema": {"type": "object"}}
MODULE = """
from great_expectations.expectations import ExpectColumnValuesToBeBetween

class ExpectColumnValuesToBeSmallHere(ExpectColumnValuesToBeBetween):
    max_value: float = 5
"""


def demand(suites: Path, kind: str, severity: str = "critical", **kwargs: Any) -> None:
    rule = {"type": kind, "kwargs": kwargs, "severity": severity}
    (suites / "orders.json").write_text(json.dumps({"name": "orders", "expectations": [rule]}))


def with_notes(count: int, **strange: str) -> list[dict[str, Any]]:
    """Return orders with a note each, and strange ones by number."""
    return [order(number, note=strange.get(f"n{number}", '{"a": 1}')) for number in range(1, count + 1)]


def test_a_row_that_makes_a_rule_raise_is_set_aside_and_its_mates_are_loaded(world: World) -> None:
    demand(world.suites, "expect_column_values_to_match_json_schema", **SCHEMA)
    world.api.records = with_notes(30, n7="nonsense", n9="[1]")
    [commit] = world.run()
    assert commit.header.accounts == Accounts(read=30, loaded=28, quarantined=2)
    [rule] = load_suite(world.suites, "orders").rules
    assert commit.header.set_aside == {f"{rule.label}: JSONDecodeError": 1, rule.label: 1}
    assert world.rows("select id, note from orders_quarantine order by all") == [(7, "nonsense"), (9, "[1]")]
    assert verify(world.store, "orders").problems == []


def test_a_rule_that_many_rows_make_raise_stops_the_run_and_nothing_is_committed(world: World) -> None:
    demand(world.suites, "expect_column_values_to_match_json_schema", **SCHEMA)
    world.api.records = with_notes(30, **{f"n{number}": "nonsense" for number in range(1, 18)})
    with pytest.raises(SuiteErrored, match="could not be checked: JSONDecodeError"):
        world.run()
    assert list(world.store.keys("_log/")) == []


@pytest.mark.parametrize(
    ("changes", "severity", "loaded"),
    [
        ({}, "critical", 20),
        ({"set_aside": "all_unexpected"}, "critical", 19),
        ({"set_aside": "all_unexpected"}, "warning", 20),
        ({"set_aside": "all_unexpected", "on_failure": {"warning": "quarantine"}}, "warning", 19),
    ],
)
def test_what_mostly_tolerates_is_set_aside_only_where_the_stream_says_so(
    world: World, changes: dict[str, Any], severity: str, loaded: int
) -> None:
    demand(world.suites, "expect_column_values_to_be_between", severity, column="amount", max_value=100, mostly=0.9)
    world.stream = stream_of(**changes)
    world.api.records = [*orders(19), order(20, amount=5000)]
    [commit] = world.run()
    assert commit.header.accounts == Accounts(read=20, loaded=loaded, quarantined=20 - loaded)
    [rule] = commit.header.rules
    assert (rule.success, sum(commit.header.set_aside.values())) == (True, 20 - loaded)


def test_looking_back_goes_by_it_too(world: World) -> None:
    demand(world.suites, "expect_column_values_to_be_between", column="amount", max_value=100, mostly=0.9)
    world.api.records = [*orders(19), order(20, amount=5000)]
    world.run()
    world.stream = stream_of(set_aside="all_unexpected")
    lookback = look_back(world.stream, load_suite(world.suites, "orders"), world.store, None)
    [piece] = lookback.pieces
    assert judge(lookback, piece).set_aside == 1


def test_an_expectation_of_ones_own_is_found_beside_the_suite(world: World) -> None:
    demand(world.suites, "expect_column_values_to_be_small_here", column="amount")
    (world.suites / "small.py").write_text(MODULE)
    world.api.records = orders(10)
    [commit] = world.run()
    assert commit.header.accounts == Accounts(read=10, loaded=5, quarantined=5)
