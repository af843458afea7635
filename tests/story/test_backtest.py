"""A changed suite is tried on what was claimed before: what would it have rejected, by rule and by day?"""

import json
from datetime import timedelta
from typing import Any

from datastream.backtest import Sums, backtest
from datastream.lookback import since
from datastream.quality import load_suite
from tests.conftest import World, order, orders, stream_of


def tried(world: World, *rules: tuple[str, dict[str, Any], str], window: str = "all") -> Sums:
    suite = {
        "name": "next",
        "expectations": [{"type": f"expect_{kind}", "kwargs": kw, "severity": sev} for kind, kw, sev in rules],
    }
    (world.suites / "next.json").write_text(json.dumps(suite))
    bench = backtest(
        world.stream, load_suite(world.suites, "next"), world.store, since(window, world.clock.now())
    )  # fmt: skip
    sums = Sums(bench)
    for case in bench.cases:
        sums.add(bench.judge(case))
    return sums


def at_most(value: int, severity: str = "critical") -> tuple[str, dict[str, Any], str]:
    return "column_values_to_be_between", {"column": "amount", "max_value": value}, severity


NOT_NULL = ("column_values_to_not_be_null", {"column": "amount"}, "critical")


def test_what_is_new_and_what_is_rejected_no_more_is_told_by_rule_and_day(world: World) -> None:
    world.api.records = [*orders(20), order(21, amount=None)]
    world.run()
    world.clock.advance(timedelta(days=1))
    world.api.records += [order(600, amount=25), order(601, amount=None)]
    world.run()
    sums = tried(world, at_most(18))
    found = sums.as_dict()
    assert {name: found[name] for name in ("commits", "rows", "rejected", "were", "new", "no_more")} == {
        "commits": 2, "rows": 23, "rejected": 3, "were": 2, "new": 3, "no_more": 2,
    }  # fmt: skip
    assert found["rules"] == [
        {"rule": "amount <= 18", "severity": "critical", "rows": 3, "new": 3,
         "days": {"2027-01-01": 2, "2027-01-02": 1}}
    ]  # fmt: skip
    assert [(day["day"], day["new"], day["no_more"]) for day in found["days"]] == [
        ("2027-01-01", 2, 1), ("2027-01-02", 1, 1),
    ]  # fmt: skip
    assert "would have rejected 3; 2 were. 3 would be new, 2 would be rejected no more." in str(sums)


def test_the_same_suite_rejects_what_it_rejected(world: World) -> None:
    world.api.records = [*orders(20), order(21, amount=None)]
    world.run()
    total = tried(world, NOT_NULL, at_most(1000, "warning")).total
    assert (total["rejected"], total["were"], total["new"], total["no_more"]) == (1, 1, 0, 0)


def test_rules_that_read_alike_are_told_apart(world: World) -> None:
    """Each condition is an object, so both are called `amount null where its row_condition holds`."""
    world.api.records = orders(10)
    world.run()
    when = {"type": "comparison", "column": {"name": "amount"}, "operator": ">"}
    rules = [
        ("column_values_to_be_null", {"column": "amount", "row_condition": {**when, "parameter": least}}, severity)
        for least, severity in ((7, "critical"), (9, "warning"))
    ]
    one, other = tried(world, *rules).as_dict()["rules"]
    assert one["rule"] == other["rule"]
    assert [(each["rows"], each["severity"]) for each in (one, other)] == [(3, "critical"), (1, "warning")]


def test_a_suite_that_held_a_claim_holds_it_again(world: World) -> None:
    world.stream = stream_of(on_failure={"critical": "hold"})
    world.api.records = [*orders(20), order(21, amount=None)]
    world.run()
    total = tried(world, NOT_NULL).total
    assert (total["rejected"], total["were"], total["new"], total["no_more"]) == (21, 21, 0, 0)


def test_only_the_window_is_tried(world: World) -> None:
    world.api.records = orders(5)
    world.run()
    world.clock.advance(timedelta(days=10))
    world.api.records += [order(600)]
    world.run()
    assert tried(world, NOT_NULL, window="P7D").total["rows"] == 1


def test_rows_that_never_came_to_a_check_are_left_out(world: World) -> None:
    world.stream = stream_of(schema={"declared": {"amount": "int64"}, "types": "quarantine_row"})
    world.api.records = [order(1), order(2, amount="many")]
    world.run()
    assert tried(world, NOT_NULL).total["rows"] == 1


def test_a_commit_that_would_stop_or_be_held_is_named(world: World) -> None:
    world.stream = stream_of(on_failure={"warning": "hold"})
    world.api.records = orders(5)
    world.run()
    few = ("table_row_count_to_be_between", {"min_value": 10}, "critical")
    assert tried(world, few, at_most(3, "warning")).wholes == ["0-000000000001: row count >= 10, amount <= 3"]


def test_nothing_to_try_on_is_a_sentence(world: World) -> None:
    assert "there is nothing to try the suite on" in str(tried(world, NOT_NULL))
