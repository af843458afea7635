"""Whoever reads or changes a lake finds its way beside the lanes of backfills."""

from datetime import timedelta

import pytest

from datastream.events.memory import MemoryBus
from datastream.intake.backfills import BackfillUnfinished
from datastream.lake import layout
from datastream.lake.log import Log
from datastream.lake.reader import query
from datastream.lake.verify import verify
from datastream.maintenance import forget
from datastream.reshape import reshape
from datastream.shape import ShapeChanged
from datastream.slices import Slices
from tests.looked import check_commits
from tests.story.filling import Filling, cut_stream

FIRST_SLICE = "backfill-20260105T000000Z-20260106T000000Z"


def test_a_change_of_the_streams_shape_waits_for_its_end(filling: Filling) -> None:
    filling.register()
    filling.world.stream = cut_stream(partition_by=None)

    def opened(stream, _):
        filling.world.stream = stream
        return filling.lane()

    with pytest.raises(BackfillUnfinished, match=r"datastream backfill orders --from 2026-01-05T00:00:00Z"):
        reshape(cut_stream(partition_by=None), filling.world.store, opened, ["0"], filling.world.clock, lambda _: None)


def test_a_slice_refuses_another_shape(filling: Filling) -> None:
    backfill = filling.register()
    filling.world.stream = cut_stream(key=["id", "amount"])
    with pytest.raises(ShapeChanged), filling.take(backfill)(FIRST_SLICE, None):
        pass


def test_what_is_filled_in_is_not_late(filling: Filling) -> None:
    """It is no matter of how a window's records are ordered either."""
    late = {"field": "at", "grain": "day", "late": "quarantine"}
    filling.world.stream = cut_stream(partition_by=late, batch={"size": 10, "per_commit": 1})
    filling.world.api.records.reverse()
    filling.world.api.page_size = 10
    filling.fill(every=None)
    assert (filling.verified().loaded, filling.verified().quarantined) == (200, 0)


def test_readers_of_the_lake_know_such_lanes(filling: Filling) -> None:
    early = filling.fill(until="2026-01-08")
    filling.world.clock.advance(timedelta(days=1))
    filling.fill(since="2026-01-08")
    assert query(filling.world.store, "select count(*) from orders", str(early[-1]))[1] == [(60,)]
    assert query(filling.world.store, "select count(*) from orders")[1] == [(200,)]
    assert filling.verified().strangers == []
    assert Log(filling.world.store, "orders", FIRST_SLICE).newest() is not None


def test_a_file_of_such_a_lane_that_belongs_to_no_commit_is_a_fault(filling: Filling) -> None:
    filling.fill(until="2026-01-06")
    key = layout.data_file("orders", "at_day=2026-01-05", FIRST_SLICE, 99, 0)
    filling.world.store.create(key, b"")
    assert verify(filling.world.store, "orders").problems == [f"{key} lies among the data and belongs to no commit."]


def test_a_key_is_not_forgotten_while_a_backfill_may_load_it(filling: Filling) -> None:
    backfill = filling.register()
    with pytest.raises(BackfillUnfinished, match="datastream backfill orders"):
        forget("orders", filling.world.store, {"id": "100"}, run="r")
    filling.work(backfill)
    assert forget("orders", filling.world.store, {"id": "100"}, run="r") is not None
    assert sum(commit.header.accounts.loaded for commit in filling.fill(again=True)) == 0


def test_what_is_filled_in_says_nothing_of_how_fresh_a_stream_is(filling: Filling) -> None:
    filling.world.run()
    filling.world.clock.advance(timedelta(days=9))
    filling.fill()
    [fresh, *_] = check_commits(filling.world.stream, filling.world.store, filling.world.clock.now())
    assert "rows were loaded 9 d ago" in fresh.observed


def test_commits_of_slices_are_announced(filling: Filling) -> None:
    filling.world.bus = bus = MemoryBus()
    made = filling.fill()
    told = {event.subject for event in bus.published}
    assert {str(commit) for commit in made} <= told
    backfill = filling.asked()
    assert Slices(filling.world.store, "orders", backfill).all_done()


def test_commits_that_wait_to_be_announced_are_found(filling: Filling) -> None:
    """Their worker died, or the event bus was away; opening the slice announces them."""
    backfill = filling.register(until="2026-01-06")
    filling.work(backfill)
    slices = filling.slices(backfill)
    assert (slices.all_done(), slices.unannounced()) == (True, [FIRST_SLICE])
    filling.world.bus = MemoryBus()
    with filling.take(backfill)(FIRST_SLICE, timedelta()):
        assert slices.unannounced() == []
