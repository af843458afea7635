"""Two workers on one lane, without a lease between them: one decision holds, and nothing is loaded twice."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from datastream import decision, pipeline
from datastream.connections import ApiConfig
from datastream.intake.api import api_intake
from datastream.lake import layout
from datastream.lake.encoding import planned
from datastream.lake.verify import verify
from datastream.lane import Lane, open_lane
from datastream.pipeline import claims, decide, drain, transform
from datastream.quality import load_suite
from tests.conftest import World, orders, stream_of
from tests.fake_api import LOCAL


@contextmanager
def worker(world: World) -> Iterator[Lane]:
    suite = load_suite(world.suites, "orders")
    config = ApiConfig(base_url=world.api.url, private_networks=LOCAL)
    with (
        api_intake(world.stream, config, world.clock) as intake,
        open_lane(world.stream, suite, world.store, intake, run="w", clock=world.clock) as lane,
    ):
        yield lane


def test_a_worker_that_wakes_up_late_changes_nothing(world: World) -> None:
    """It took a claim and slept; meanwhile another worker drained the lane."""
    world.api.records = orders(1200)
    with worker(world) as sleeper, worker(world) as other:
        waiting = claims(sleeper)
        claim = next(waiting)
        drain(other)
        batch = transform(sleeper, claim)
        assert decide(sleeper, batch, pipeline.check(sleeper, batch)) is None
        for late in waiting:
            held = decide(sleeper, batch := transform(sleeper, late), pipeline.check(sleeper, batch))
            assert held is not None
            pipeline.complete(sleeper, held)
    found = verify(world.store, "orders")
    assert (found.loaded, found.ok) == (1200, True)


def test_a_worker_obeys_the_plan_that_was_there_first(world: World) -> None:
    world.api.records = orders(700)
    with worker(world) as first, worker(world) as second:
        mine, theirs = next(claims(first)), next(claims(second))
        batch = transform(first, mine)
        plan = decide(first, batch, pipeline.check(first, batch))
        other = transform(second, theirs)
        held = decide(second, other, pipeline.check(second, other))
        assert plan is not None
        assert held is not None
        assert held.header.decision == plan.header.decision
        pipeline.complete(second, held)
        pipeline.complete(first, plan)
        drain(first)
    found = verify(world.store, "orders")
    assert (found.loaded, found.ok) == (700, True)


def test_a_plan_that_a_sleeper_left_behind_is_not_written(world: World) -> None:
    """It was made for a claim that is committed, and its maker died before its look at the manifest."""
    world.api.records = orders(450)
    with worker(world) as late, worker(world) as sleeper:
        batch = transform(sleeper, next(claims(sleeper)))
        stale = decision.decide(world.stream, sleeper.suite, batch, pipeline.check(sleeper, batch), sleeper.place)
        world.stream = stream_of(batch={"size": 70, "per_commit": 10})
        world.run()
        world.store.create(layout.plan("orders", "0", 1), planned(stale).encoded)
        drain(late)
    found = verify(world.store, "orders")
    assert (found.loaded, found.problems) == (450, [])
    assert not [key for key in world.store.keys("_plans/") if key.endswith(".plan")]


def test_a_claim_that_was_decided_is_committed_as_decided(world: World) -> None:
    """The suite, the records and the batch size change before the next run; the decision stands."""
    world.api.records = orders(300)
    with worker(world) as lane:
        batch = transform(lane, next(claims(lane)))
        decide(lane, batch, pipeline.check(lane, batch))
    world.api.records = [{**row, "amount": None} for row in orders(300)]
    world.run()
    found = verify(world.store, "orders")
    assert (found.loaded, found.quarantined, found.ok) == (300, 0, True)


@pytest.mark.parametrize("workers", [3])
def test_workers_that_drain_side_by_side_load_everything_once(world: World, workers: int) -> None:
    from concurrent.futures import ThreadPoolExecutor

    world.api.records = orders(3000)

    def work(_: int) -> None:
        with worker(world) as lane:
            drain(lane)

    with ThreadPoolExecutor(workers) as threads:
        list(threads.map(work, range(workers)))
    found = verify(world.store, "orders")
    assert (found.loaded, found.ok) == (3000, True)
