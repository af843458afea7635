"""Incidents of a real lane: told once under one id, muted, accepted, by one worker or by several."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from datastream.buffers.lease import LaneBusy, LeasePolicy, lease
from datastream.connections import BufferConfig
from datastream.events.contract import BrokerAway
from datastream.health import asked
from datastream.health.telling import incident_events
from datastream.lake import layout
from datastream.lake.local import LocalStore
from datastream.lake.log import Log
from datastream.lake.verify import verify
from datastream.quality.checks import Schedule
from datastream.quality.incidents import MOST_MUTES
from tests.health.kept import DAY, HOUR, Kept


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    kept = Kept(LocalStore(tmp_path / "lake"))
    kept.expect(fresh_within="PT1H")
    kept.load()
    return kept


def later(kept: Kept) -> None:
    kept.clock.advance(2 * HOUR)
    kept.check()


def test_it_is_told_when_it_opens_and_when_it_closes(kept: Kept) -> None:
    later(kept)
    later(kept)
    for _ in range(3):
        kept.load()
        kept.check()
    assert kept.told == [
        ("_quality/orders/1/1", "orders.incident-opened"),
        ("_quality/orders/4/1", "orders.incident-closed"),
    ]
    opened, closed = kept.bus.published
    assert opened.subject == closed.subject == "orders/freshness/1"
    assert opened.data["said"] == "rows were loaded 2 h ago, at 2026-01-05T01:00:00Z (expected: at most 1 h ago)"
    assert (closed.data["how"], closed.data["closed_at"]) == ("met", "2026-01-05T07:00:00Z")


def test_what_is_told_again_has_the_same_words_and_ids(kept: Kept) -> None:
    later(kept)
    manifest = Log(kept.store, layout.QUALITY, "orders").newest()
    assert manifest is not None
    assert [e.encoded for e in incident_events(manifest)] == [e.encoded for e in kept.bus.published]


class Away:
    """A bus that is away for a while."""

    def __init__(self) -> None:
        self.away, self.published = True, []

    def publish(self, events) -> None:
        if self.away and events:
            raise BrokerAway("away")
        self.published += events


def test_whoever_is_away_is_told_by_a_later_run(kept: Kept) -> None:
    kept.bus = bus = Away()
    later(kept)
    later(kept)
    bus.away = False
    later(kept)
    assert kept.told == [("_quality/orders/1/1", "orders.incident-opened")]


def test_a_muted_check_is_judged_and_told_to_nobody_until_the_mute_ends(kept: Kept) -> None:
    with kept.ledger() as ledger:
        made = asked.mute(ledger, "freshness", DAY, "the source is moved", kept.clock.now())
    assert made.until == kept.clock.now() + DAY
    later(kept)
    assert kept.check()["freshness"].result == "muted"
    assert (kept.told, kept.open) == ([], [])
    kept.clock.advance(DAY)
    later(kept)
    assert kept.open == ["orders/freshness/1"]
    assert verify(kept.store, layout.QUALITY).problems == []


def test_a_mute_can_be_ended(kept: Kept) -> None:
    with kept.ledger() as ledger:
        asked.mute(ledger, "freshness", DAY, "", kept.clock.now())
        asked.unmute(ledger, "freshness", kept.clock.now())
        with pytest.raises(asked.CheckUnknown, match="Muted are: none"):
            asked.unmute(ledger, "freshness", kept.clock.now())
    later(kept)
    assert kept.open == ["orders/freshness/1"]


def test_no_mute_is_dropped_for_another() -> None:
    kept = Kept()
    with kept.ledger() as ledger:
        for number in range(MOST_MUTES):
            asked.mute(ledger, f"nulls:c{number}", DAY, "", kept.clock.now())
        asked.mute(ledger, "nulls:c0", 2 * DAY, "the same again", kept.clock.now())
        with pytest.raises(asked.CheckUnknown, match="orders has 200 mutes, and no more are kept"):
            asked.mute(ledger, "nulls:one_more", DAY, "", kept.clock.now())
        kept.clock.advance(DAY)
        asked.mute(ledger, "nulls:one_more", DAY, "", kept.clock.now())
    assert [mute.subject for mute in kept.state.incidents.mutes] == ["c0", "one_more"]


@pytest.mark.parametrize("name", ["frehsness", "suite", ""])
def test_what_is_no_check_is_refused_with_those_there_are(kept: Kept, name: str) -> None:
    with kept.ledger() as ledger, pytest.raises(asked.CheckUnknown, match="There are freshness, records"):
        asked.mute(ledger, name, DAY, "", kept.clock.now())


def test_a_new_usual_is_accepted_and_learned_from_the_incidents_beginning(tmp_path: Path) -> None:
    kept = Kept(LocalStore(tmp_path / "other"))
    for day in range(14):
        kept.load(100 if day < 9 else 500, after=DAY)
        kept.clock.advance(HOUR)
        kept.check()
        kept.clock.advance(-HOUR)
    assert kept.open == ["orders/volume/1"]
    with kept.ledger() as ledger:
        incident = asked.accept(ledger, "volume", kept.clock.now())
    assert kept.told[-1][1] == "orders.incident-closed"
    assert incident.since.day == 15, "the first day of five hundred"
    assert kept.check()["volume"].result == "not judged"
    for _ in range(8):
        kept.load(500, after=DAY)
        kept.check()
    assert (kept.check()["volume"].result, kept.open) == ("met", [])


def test_what_goes_by_the_file_is_not_accepted(kept: Kept) -> None:
    later(kept)
    with kept.ledger() as ledger:
        with pytest.raises(asked.NotLearned, match="nothing is learned for it"):
            asked.accept(ledger, "freshness", kept.clock.now())
        with pytest.raises(asked.CheckUnknown, match="Open are: freshness"):
            asked.accept(ledger, "volume", kept.clock.now())


def test_a_schedule_that_nobody_knows_any_more_can_be_let_go(kept: Kept) -> None:
    kept.check(planned=Schedule("every 1 h", 3 * HOUR, kept.clock.now() - DAY))
    kept.check()
    assert kept.open == ["orders/schedule/1"], "it is not known by hand"
    with kept.ledger() as ledger:
        asked.accept(ledger, "schedule", kept.clock.now())
    assert kept.open == []


def test_a_schedule_that_was_paused_or_changed_is_not_late_at_once(kept: Kept) -> None:
    kept.expect()
    begun = kept.clock.now()
    hourly = Schedule("every 1 h", 3 * HOUR, begun)
    kept.check(planned=hourly)
    kept.clock.advance(7 * DAY)
    kept.check()
    assert kept.check(planned=hourly)["schedule"].result == "met", "nobody was to load it meanwhile"
    kept.clock.advance(4 * HOUR)
    assert kept.check(planned=hourly)["schedule"].result == "not met"
    often = Schedule("every 5 min", HOUR / 4, begun)
    assert kept.check(planned=often)["schedule"].result == "met", "it was to be loaded once an hour until now"
    kept.clock.advance(HOUR)
    assert kept.check(planned=often)["schedule"].result == "not met"


def test_workers_side_by_side_make_one_log_and_one_incident(kept: Kept) -> None:
    kept.clock.advance(2 * HOUR)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: kept.check(), range(4)))
    assert verify(kept.store, layout.QUALITY).problems == []
    assert Log(kept.store, layout.QUALITY, "orders").sequences() == [1, 2, 3, 4]
    assert kept.open == ["orders/freshness/1"]
    assert {told[0] for told in kept.told} == {"_quality/orders/1/1"}


def test_a_run_waits_for_another_that_is_alive(kept: Kept, valkey_url: str) -> None:
    buffer = BufferConfig(url=SecretStr(valkey_url))
    with lease(buffer, layout.QUALITY, "orders", LeasePolicy()), pytest.raises(LaneBusy):
        kept.check(buffer=buffer, lease_policy=LeasePolicy(lasts=HOUR / 36_000, poll=HOUR / 360_000))
    assert kept.check(buffer=buffer)["freshness"].result == "met"
