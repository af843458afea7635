"""A claim that a rule holds is committed to quarantine as a whole; a person lets it go, or not."""

import json
from datetime import timedelta

import pytest
from pydantic import ValidationError

from datastream.announce import events_of
from datastream.lake import reader
from datastream.lake.live import live
from datastream.lake.returned import held_claims
from datastream.lake.verify import verify
from datastream.maintenance import maintain
from datastream.quality import load_suite
from datastream.quarantine import HeldDecided, NotHeld, ReplayRefused, Wanted, reject, release, replay
from tests.conftest import SUITE, World, order, orders, stream_of
from tests.quarantine.conftest import Replaying, without_amount

HOLD = {"critical": "quarantine", "warning": "hold"}
FIRST = "0-000000000001"


@pytest.fixture(autouse=True)
def holding(world: World) -> None:
    """Amounts above 1000 hold a claim, and so do fewer than three rows; a missing amount sets its row aside."""
    world.stream = stream_of(on_failure=HOLD)
    few = {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 3}, "severity": "warning"}
    suite = {**SUITE, "expectations": [*SUITE["expectations"], few]}  # type: ignore[misc]
    (world.suites / "orders.json").write_text(json.dumps(suite))


def states(world: World) -> list[tuple[str, str, int]]:
    return [(claim.commit, claim.state, claim.rows) for claim in held_claims(live(world.store, "orders"))]


def test_a_claim_is_held_for_one_row_and_nothing_waits_behind_it(stored: World) -> None:
    stored.api.records += [*orders(4), order(5, amount=5000)]
    stored.run()
    stored.api.records += [order(number, at="2026-12-31T00:00:00Z") for number in (6, 7, 8)]
    stored.run()
    assert stored.rows("select count(*) from orders_quarantine") == [(5,)]
    assert stored.rows("select id from orders order by id") == [(6,), (7,), (8,)]
    assert states(stored) == [(FIRST, "held", 5)]
    assert verify(stored.store, "orders").problems == []


def test_a_claim_is_held_for_what_it_is_as_a_whole_with_what_was_observed(world: World) -> None:
    world.api.records += orders(2)
    world.run()
    [seen] = world.rows("select distinct _rules, _observed, _suite from orders_quarantine")
    assert seen == (["held: row count >= 3"], ["2"], load_suite(world.suites, "orders").version)


def test_each_row_is_told_with_its_own_rules_and_what_was_seen(world: World) -> None:
    world.api.records += [order(1), order(2, amount=5000), *without_amount(3)]
    world.run()
    assert world.rows("select id, _rules, _observed from orders_quarantine order by id") == [
        (1, ["held: amount <= 1000"], [None]),
        (2, ["amount <= 1000", "held: amount <= 1000"], ["5000", None]),
        (3, ["amount not null", "held: amount <= 1000"], ["null", None]),
    ]


def test_a_released_claim_is_loaded_once_but_for_the_rows_that_rules_set_aside(
    stored: World, replaying: Replaying
) -> None:
    stored.api.records += [order(1), order(2, amount=5000), *without_amount(3)]
    stored.run()
    for expected in (2, 0):
        with replaying() as lane:
            assert release(lane, FIRST).loaded == expected
    assert stored.rows("select id, amount from orders order by id") == [(1, 1), (2, 5000)]
    assert stored.rows("select id from orders_quarantine") == [(3,)]
    assert states(stored) == [(FIRST, "released", 3)]
    assert verify(stored.store, "orders").problems == []


def test_a_rejected_claim_stays_in_quarantine_whatever_is_replayed(world: World, replaying: Replaying) -> None:
    world.api.records += orders(2)
    world.run()
    with replaying() as lane:
        assert reject(lane, FIRST).rows == 2
        assert reject(lane, FIRST).state == "rejected"
        assert replay(lane, Wanted()).taken == 0
    assert states(world) == [(FIRST, "rejected", 2)]


def test_a_held_claim_is_not_replayed_before_it_is_released(world: World, replaying: Replaying) -> None:
    world.api.records += orders(2)
    world.run()
    with replaying() as lane:
        assert replay(lane, Wanted()).taken == 0


def test_what_was_decided_stands(world: World, replaying: Replaying) -> None:
    world.api.records += orders(2)
    world.run()
    with replaying() as lane, replaying() as other:
        release(lane, FIRST)
        with pytest.raises(HeldDecided, match="was released before, so it cannot be rejected"):
            reject(other, FIRST)
    assert [commit.header.offsets for commit in reader.commits(world.store, "orders")][1:] == [{"released": FIRST}] * 2


def test_a_commit_that_is_not_held_is_a_sentence(world: World, replaying: Replaying) -> None:
    world.api.records += orders(3)
    world.run()
    with replaying() as lane, pytest.raises(NotHeld, match="No claim of 'orders' is held as commit '0-000000000001'"):
        release(lane, FIRST)


def test_a_held_claim_is_announced(world: World) -> None:
    world.api.records += orders(2)
    [commit] = world.run()
    events = events_of(commit)
    assert [(event.id, event.type) for event in events] == [
        ("orders/0/1/1", "datastream.committed"),
        ("orders/0/1/2", "datastream.quarantined"),
        ("orders/0/1/3", "datastream.held"),
    ]
    assert events[2].data["held"] == ["row count >= 3"]


def test_a_snapshot_cannot_be_held() -> None:
    with pytest.raises(ValidationError, match="would be missing in its snapshot"):
        stream_of(load="replace", source={"cursor": None}, on_failure=HOLD)


def test_what_was_decided_stands_when_the_log_is_folded(world: World, replaying: Replaying) -> None:
    """The commit that says so has no row, so it would be folded while the claim lies in quarantine still."""
    world.stream = stream_of(on_failure=HOLD, retention={"log": "P1D"})
    world.api.records += orders(2)
    world.run()
    with replaying() as lane:
        reject(lane, FIRST)
    world.api.records += [*orders(4, start=30), order(34, amount=None)]
    world.run()
    with replaying() as lane:
        replay(lane, Wanted(mended={"amount": "1"}))
    world.clock.advance(timedelta(days=5))
    maintain(world.stream, world.store, run="maintenance", clock=world.clock)
    assert states(world) == [(FIRST, "rejected", 2)]
    with replaying() as lane, pytest.raises(HeldDecided):
        release(lane, FIRST)


def test_a_claim_that_cannot_be_loaded_is_not_called_released(world: World, replaying: Replaying) -> None:
    world.stream = stream_of(on_failure=HOLD, source={"cursor": None})
    world.api.records += orders(2)
    world.run()
    world.stream = stream_of(load="replace", source={"cursor": None})
    with replaying() as lane, pytest.raises(ReplayRefused):
        release(lane, FIRST)
    assert states(world) == [(FIRST, "held", 2)]
