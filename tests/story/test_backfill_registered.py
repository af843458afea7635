"""A backfill is registered in the first lane's log: what is refused there, joined, cut off, and in a race."""

import pytest

from datastream import pipeline
from datastream.backfill import BackfillRefused, finish, register, wanted
from datastream.catalog import Stream
from tests.conftest import orders, stream_of
from tests.posts import posted_stream
from tests.story.filling import FROM, TO, Filling, answers, cut_stream, numbers_between


def test_the_end_is_cut_off_where_the_first_lane_reads(filling: Filling) -> None:
    """It was never read, so it will begin at `initial`."""
    backfill = filling.register(until="2026-02-01")
    assert (backfill.until, backfill.asked) == ("2026-01-20T00:00:00Z", "2026-02-01T00:00:00Z")
    filling.work(backfill)
    filling.world.run()
    assert filling.ids == numbers_between(filling.world, FROM, "9")
    assert filling.verified().duplicates == 0


def test_the_end_is_cut_off_below_the_window_that_is_open(filling: Filling) -> None:
    """A window keeps where it began, wherever its stream's file says the next one does."""
    filling.world.stream = cut_stream(batch={"size": 10, "per_commit": 1})
    with filling.lane() as lane:
        batch = pipeline.transform(lane, next(pipeline.claims(lane)))
        pipeline.complete(lane, pipeline.decide(lane, batch, pipeline.check(lane, batch)))
    filling.world.stream = cut_stream(initial="2026-03-01T00:00:00Z", batch={"size": 10, "per_commit": 1})
    assert filling.register(until="2026-04-01").until == "2026-01-20T00:00:00Z"


@pytest.mark.parametrize(
    ("since", "until", "every", "said"),
    [
        ("2026-02-01", TO, None, "Nothing lies between"),
        ("soon", TO, None, "cannot be compared with the cursor 'at'"),
        ("2026-01-05T00:00:00.5Z", TO, None, "a time in whole seconds"),
        (FROM, TO, "PT1S", "That would be 864,000 slices"),
        (FROM, TO, "often", "no length of a slice"),
        (FROM, TO, "PT0S", "no length of a slice"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(since: str, until: str, every: str | None, said: str) -> None:
    with pytest.raises(BackfillRefused, match=said):
        wanted(cut_stream(), since, until, every)


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (posted_stream(), "posted to the gateway"),
        (stream_of(source={"cursor": None}), "no cursor that is a time or a number"),
        (stream_of(source={"cursor": {"field": "at", "param": "since", "initial": "a"}}), "no cursor that is a time"),
        (stream_of(), "source.cursor.until"),
    ],
)
def test_a_stream_that_cannot_be_read_by_ranges_says_so(stream: Stream, said: str) -> None:
    with pytest.raises(BackfillRefused, match=said):
        wanted(stream, FROM, TO, "day")


@pytest.mark.parametrize(
    ("every", "count", "second"),
    [
        ("day", 365, "backfill-20130102T000000Z-20130103T000000Z"),
        ("P1D", 365, "backfill-20130102T000000Z-20130103T000000Z"),
        ("week", 53, "backfill-20130108T000000Z-20130115T000000Z"),
        ("month", 12, "backfill-20130201T000000Z-20130301T000000Z"),
        ("hour", 8760, "backfill-20130101T010000Z-20130101T020000Z"),
    ],
)
def test_a_range_is_cut(every: str, count: int, second: str) -> None:
    slices = wanted(cut_stream(), "2013-01-01T02:00:00+02:00", "2014-01-01", every).slices()
    assert (len(slices), slices[1]) == (count, second)
    assert slices[-1].endswith("-20140101T000000Z")


def test_where_nothing_is_left_a_sentence_says_what_reads_it(filling: Filling) -> None:
    with pytest.raises(BackfillRefused, match=r"from 2026-01-20T00:00:00Z on.*flows\.etl_pipeline orders"):
        filling.register(since="2026-01-20", until="2026-02-01")


def test_the_same_command_joins_what_is_in_progress_wherever_its_end_was_cut_off(filling: Filling) -> None:
    first = filling.register(until="2026-06-01")
    filling.world.run()
    assert filling.register(until="2026-06-01") == first
    assert filling.in_progress == (first,)


@pytest.mark.parametrize(("since", "until"), [("2026-01-01", "2026-01-06"), ("2026-01-14", TO), (FROM, TO)])
def test_an_overlap_is_refused_until_the_first_is_finished(filling: Filling, since: str, until: str) -> None:
    backfill = filling.register()
    with pytest.raises(BackfillRefused, match=f"--from {backfill.since} --to {backfill.asked} --every P1D"):
        filling.register(since=since, until=until, every="hour")
    filling.work(backfill)
    assert filling.register(since=since, until=until, every="hour") is not None


def test_ranges_that_touch_are_no_overlap(filling: Filling) -> None:
    one, other = filling.register(), filling.register(since=TO, until="2026-01-18")
    filling.work(other)
    filling.work(one)
    assert filling.ids == numbers_between(filling.world, FROM, "2026-01-18")
    assert filling.in_progress == ()


def test_of_two_that_race_one_is_registered(filling: Filling) -> None:
    """Both read the log before either wrote to it."""
    with filling.lane() as one, filling.lane() as other:
        backfill = register(one, filling.asked(), filling.world.clock)
        with pytest.raises(BackfillRefused, match="in progress"):
            register(other, filling.asked(every="hour"), filling.world.clock)
    assert filling.in_progress == (backfill,)


def test_two_that_are_the_same_join_in_a_race(filling: Filling) -> None:
    with filling.lane() as one, filling.lane() as other:
        found = [register(lane, filling.asked(), filling.world.clock) for lane in (one, other)]
    assert found[0] == found[1]
    assert filling.in_progress == (found[0],)


def test_a_worker_of_the_first_lane_that_slept_leaves_the_range_to_the_backfill(filling: Filling) -> None:
    """It took its claim before the registration, of an API that ignores `since`, and decides after it."""
    filling.world.api.pages = answers(filling.world.api, since=False, until=False)
    with filling.lane() as sleeper:
        waiting = pipeline.claims(sleeper)
        batch = pipeline.transform(sleeper, next(waiting))
        backfill = filling.register()
        assert pipeline.decide(sleeper, batch, pipeline.check(sleeper, batch)) is None
        for late in waiting:
            held = pipeline.decide(sleeper, batch := pipeline.transform(sleeper, late), pipeline.check(sleeper, batch))
            pipeline.complete(sleeper, held)
    filling.work(backfill)
    found = filling.verified()
    assert (found.loaded, found.duplicates) == (560, 0)


def test_the_first_lane_carries_the_registration_on(filling: Filling) -> None:
    backfill = filling.register()
    filling.world.run()
    filling.world.api.records += orders(200, 561)
    filling.world.run()
    assert filling.in_progress == (backfill,)


def test_taking_it_out_of_the_log_may_be_repeated(filling: Filling) -> None:
    backfill = filling.register()
    filling.work(backfill)
    with filling.lane() as lane:
        before = lane.next_seq
        finish(lane, backfill, filling.world.clock)
        assert lane.next_seq == before
