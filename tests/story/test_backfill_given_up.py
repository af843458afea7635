"""A backfill that cannot be finished is given up: what it has committed stays, and its range is free again."""

from datetime import timedelta

import pytest

from datastream import pipeline
from datastream.backfill import finish, free_slices, give_up
from datastream.errors import Permanent
from datastream.intake.backfills import Backfill
from tests.conftest import World, orders
from tests.fake_api import Asked, Response
from tests.story.filling import FROM, TO, Filling, answers, cut_stream, numbers_between


@pytest.fixture
def filling(world: World) -> Filling:
    world.api.records = orders(500)
    world.stream = cut_stream()
    world.api.pages = answers(world.api)
    return Filling(world)


def half_read(filling: Filling) -> Backfill:
    """Return a backfill of which one slice was read, and the next one cannot be."""
    whole = answers(filling.world.api)

    def refusing(asked: Asked) -> Response:
        return whole(asked) if asked.query["since"].startswith(FROM) else (400, {}, b"no")

    filling.world.api.pages = refusing
    backfill = filling.register()
    assert backfill is not None
    with pytest.raises(Permanent, match="no"):
        filling.work(backfill)
    filling.world.api.pages = whole
    return backfill


def given_up(filling: Filling, backfill: Backfill) -> None:
    slices = filling.slices(backfill)
    slices.all_done()
    give_up(slices, filling.take(backfill), filling.world.clock)
    assert slices.all_done()
    with filling.lane() as lane:
        finish(lane, backfill, filling.world.clock)


def test_what_was_committed_stays_and_nothing_is_in_progress(filling: Filling) -> None:
    given_up(filling, half_read(filling))
    assert filling.in_progress == ()
    assert filling.ids == numbers_between(filling.world, FROM, "2026-01-06")
    filling.verified()


def test_the_range_can_be_filled_in_later_and_nothing_is_loaded_twice(filling: Filling) -> None:
    given_up(filling, half_read(filling))
    filling.fill()
    assert filling.ids == numbers_between(filling.world, FROM, TO)
    assert filling.fill() == [], "now it is done"


def test_a_decided_claim_is_committed_first(filling: Filling) -> None:
    backfill = filling.register()
    assert backfill is not None
    with filling.take(backfill)(next(filling.slices(backfill).left()), timedelta()) as lane:
        claim = next(pipeline.claims(lane))
        batch = pipeline.transform(lane, claim)
        assert pipeline.decide(lane, batch, pipeline.check(lane, batch)) is not None
    given_up(filling, backfill)
    assert filling.ids == numbers_between(filling.world, FROM, "2026-01-06")


def test_a_worker_that_slept_reads_no_more_of_it(filling: Filling) -> None:
    backfill = filling.register()
    assert backfill is not None
    sleeper = free_slices(filling.slices(backfill), filling.take(backfill), filling.world.clock)
    lane = next(sleeper)
    claim = next(pipeline.claims(lane))
    given_up(filling, backfill)
    batch = pipeline.transform(lane, claim)
    assert pipeline.decide(lane, batch, pipeline.check(lane, batch)) is None
    pipeline.drain(lane)
    sleeper.close()
    assert filling.verified().read == 0
