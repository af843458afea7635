"""The way of a record goes on over a lake that is kept up: repeats are known, looks back see what they saw."""

from datetime import timedelta
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr, ValidationError

from datastream.buffers.lease import LaneBusy, LeasePolicy, lease
from datastream.catalog import Compact, Retention
from datastream.connections import BufferConfig
from datastream.lake.live import live
from datastream.lake.upkeep import SweepPolicy
from datastream.lake.verify import verify
from datastream.lookback import Findings, judge, look_back
from datastream.maintenance import Done, forget, maintain
from datastream.quality import load_suite
from tests.conftest import World, order, orders, stream_of
from tests.looked import check_commits
from tests.posts import posted_stream
from tests.story.door import Door

AT_ONCE = SweepPolicy(grace=timedelta())
SHORT = LeasePolicy(lasts=timedelta(milliseconds=200), poll=timedelta(milliseconds=20))


def keep_up(world: World, retention: Retention | None = None, **changes) -> Done:
    kept = {"compact": Compact(after=timedelta()), "retention": retention or Retention()}
    stream = world.stream.model_copy(update=kept)
    return maintain(stream, world.store, run="r", clock=world.clock, policy=AT_ONCE, **changes)


def loaded_twice(world: World) -> None:
    world.api.records = [*orders(250), order(251, amount=None)]
    world.run()
    world.api.records += [order(n, amount=2000) for n in range(252, 300)]
    world.run()


def test_repeats_are_known_when_their_files_were_replaced_and_deleted(world: World) -> None:
    loaded_twice(world)
    assert keep_up(world).swept.files > 0
    world.api.cursor = "nothing is asked for by it"  # everything comes again
    world.api.records = [{**row, "again": True} for row in world.api.records]
    made = world.run()
    assert sum(commit.header.accounts.duplicates for commit in made) == sum(c.header.accounts.read for c in made) > 0
    assert verify(world.store, "orders").problems == []


def test_a_delivery_that_was_forgotten_is_not_loaded_when_its_sender_repeats_it(suites: Path, tmp_path: Path) -> None:
    """Also long after the buffer has forgotten that it came."""
    door = Door.opened(suites, tmp_path / "posted")
    door.post(1, 2)
    door.run()
    forget("orders", door.store, {"id": "1"}, run="r", clock=door.clock)
    door.clock.advance(timedelta(days=30))
    assert door.post(1, 2, 3) == [True] * 3
    [commit] = door.run()
    assert (commit.header.accounts.duplicates, sorted(door.ids())) == (1, [2, 2, 3])


def looked(world: World) -> tuple[str, int]:
    suite = load_suite(world.suites, "orders")
    lookback = look_back(world.stream, suite, world.store, None)
    findings = Findings(lookback)
    for piece in lookback.pieces:
        findings.add(judge(lookback, piece))
    return str(findings), len(lookback.pieces)


def test_a_look_back_sees_commit_by_commit_what_it_saw_before(world: World) -> None:
    loaded_twice(world)
    before = looked(world), check_commits(world.stream, world.store, world.clock.now())
    keep_up(world)
    assert (looked(world), check_commits(world.stream, world.store, world.clock.now())) == before


def test_columns_that_drifted_become_one_file_and_the_checks_see_what_they_saw(world: World) -> None:
    later = {"at": "2026-12-31T10:00:00Z"}
    world.api.records = [order(1, **later), order(2, **later)]
    world.run()
    world.api.records.append(order(3, amount=0.5, coupon="X1", **later))
    world.run()
    before = check_commits(world.stream, world.store, world.clock.now())
    [schema] = [check for check in before if check.check == "schema"]
    assert schema.observed == "new: coupon (string); retyped: amount (int64 to double)"
    keep_up(world)
    assert len(live(world.store, "orders").data) == 1
    assert check_commits(world.stream, world.store, world.clock.now()) == before
    found = world.rows("select id, amount, coupon from orders order by id")
    assert found == [(1, 1.0, None), (2, 2.0, None), (3, 0.5, "X1")]
    assert verify(world.store, "orders").problems == []


def test_a_look_back_leaves_out_what_has_expired(world: World) -> None:
    loaded_twice(world)
    world.clock.advance(timedelta(days=10))
    world.api.records += orders(50, 1000)
    world.run()
    keep_up(world, Retention(data=timedelta(days=5)))
    assert looked(world)[1] == 1
    assert verify(world.store, "orders").problems == []
    assert check_commits(world.stream, world.store, world.clock.now())


def test_maintenance_waits_for_another_that_is_alive(world: World, valkey_url: str) -> None:
    loaded_twice(world)
    buffer = BufferConfig(url=SecretStr(valkey_url))
    with lease(buffer, "orders", "maintenance", LeasePolicy()), pytest.raises(LaneBusy):
        keep_up(world, buffer=buffer, lease_policy=SHORT)
    assert keep_up(world, buffer=buffer).problems == []
    with redis.Redis.from_url(valkey_url) as client:
        assert client.keys("datastream:lease:*") == []


def test_what_may_come_again_is_kept_longer_than_that() -> None:
    with pytest.raises(ValidationError, match="data is kept for 0:30:00, and a record may come again for 1:00:00"):
        stream_of(retention={"data": "PT30M"})
    with pytest.raises(ValidationError, match="quarantine is kept for 1 day"):
        posted_stream(retention={"quarantine": "P1D"})
    with pytest.raises(ValidationError, match="without a cursor brings everything again"):
        stream_of(source={"cursor": None}, retention={"data": "P30D"})
    assert stream_of(retention={"data": "P1D", "log": "PT1M"}).retention.data == timedelta(days=1)
