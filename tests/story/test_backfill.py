"""A range that is filled in: read in lanes of its own, beside the stream's first lane, and nothing loaded twice."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from datastream import pipeline
from datastream.backfill import free_slices
from datastream.errors import DatastreamError
from datastream.intake.backfill import slice_offsets
from datastream.lake import reader
from tests.conftest import World, order, orders, stream_of
from tests.story.filling import FROM, TO, Filling, answers, cut_stream, numbers_between, was_asked

FIRST_SLICE = "backfill-20260105T000000Z-20260106T000000Z"


def test_exactly_the_records_of_the_range_are_loaded_each_once(filling: Filling) -> None:
    """The API answers the slices' ends too, which belong to the next slice or to nobody."""
    filling.fill()
    assert filling.ids == numbers_between(filling.world, FROM, TO)
    found = filling.verified()
    assert (found.read, found.loaded, found.duplicates) == (200, 200, 0)


def test_each_slice_is_a_lane_and_asks_for_itself_alone(filling: Filling) -> None:
    filling.fill()
    lanes = [lane for lane in reader.lanes(filling.world.store, "orders") if lane != "0"]
    assert (len(lanes), lanes[0]) == (10, FIRST_SLICE)
    asked = {(each["since"], each["before"]) for each in was_asked(filling.world)}
    assert ("2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z") in asked
    assert len(asked) == 10


def test_a_backfill_and_the_first_lane_share_the_stream(filling: Filling) -> None:
    backfill = filling.register()
    filling.world.run()
    filling.work(backfill)
    filling.world.run()
    assert filling.ids == numbers_between(filling.world, FROM, TO) + numbers_between(filling.world, "2026-01-20", "9")
    assert filling.verified().loaded == len(filling.ids)


def test_an_api_that_ignores_both_ends_loads_nothing_twice(filling: Filling) -> None:
    """The first lane meets every record too, and leaves those of the range to the backfill while it is in progress."""
    filling.world.api.pages = answers(filling.world.api, since=False, until=False)
    backfill = filling.register()
    assert sum(commit.header.accounts.read for commit in filling.world.run()) == 560 - 200
    filling.work(backfill)
    assert sum(commit.header.accounts.read for commit in filling.world.run()) == 560
    assert filling.ids == list(range(1, 561))
    assert filling.verified().loaded == 560


def test_what_lies_outside_is_not_read_and_told(filling: Filling) -> None:
    filling.world.api.pages = answers(filling.world.api, since=False, until=False)
    filling.world.api.records += [order(n, at=None) for n in range(900, 903)]
    made = filling.fill(until="2026-01-06")
    kept = slice_offsets(made[-1].header.offsets)
    assert (kept.outside, kept.without_cursor) == (560 - 20, 3)
    assert sum(commit.header.accounts.read for commit in made) == 20


def test_a_record_that_is_no_row_is_set_aside_where_its_cursor_value_lies(filling: Filling) -> None:
    filling.world.stream = cut_stream(schema={"types": "quarantine_row", "declared": {"amount": "int64"}})
    filling.world.api.records = [*orders(560), order(100, id=901, amount="many"), order(300, id=902, amount="many")]
    made = filling.fill()
    assert sum(commit.header.accounts.quarantined for commit in made) == 1
    assert '"id": 901' in filling.world.rows("select _raw from orders_quarantine")[0][0]


def test_an_answer_that_is_no_page_is_set_aside_by_the_slice_that_asked(filling: Filling) -> None:
    filling.world.stream = cut_stream(errors=[{"status": 422, "then": "quarantine"}])
    filling.world.api.fault = lambda target: (422, {}, b"{}") if "since=2026-01-07" in target else None
    made = filling.fill()
    assert sum(commit.header.accounts.quarantined for commit in made) == 1
    assert filling.verified().loaded == 180


def test_a_second_backfill_over_the_same_range_has_nothing_to_do(filling: Filling) -> None:
    filling.fill()
    asked = len(filling.world.api.asked)
    assert filling.register() is None
    assert (len(filling.world.api.asked), filling.in_progress) == (asked, ())


def test_another_cut_of_the_same_range_reads_it_and_loads_nothing_twice(filling: Filling) -> None:
    filling.fill()
    made = filling.fill(every="P4D")
    assert sum(commit.header.accounts.duplicates for commit in made) == 200
    assert filling.verified().loaded == 200


def test_a_second_pass_loads_what_has_changed_and_nothing_twice(filling: Filling) -> None:
    filling.fill()
    records = filling.world.api.records
    records[99] = {**records[99], "at": records[99]["at"].replace(":00:00Z", ":30:00Z"), "amount": 7}
    made = filling.fill(again=True)
    accounts = [commit.header.accounts for commit in made]
    assert (sum(a.read for a in accounts), sum(a.loaded for a in accounts)) == (200, 1)
    assert filling.world.rows("select count(*), count(distinct id) from orders") == [(201, 200)]
    assert filling.verified().duplicates == 199


def test_what_the_first_lane_has_already_is_not_loaded_again(filling: Filling) -> None:
    filling.world.stream = cut_stream(initial="2026-01-01T00:00:00Z")
    filling.world.run()
    made = filling.fill()
    assert sum(commit.header.accounts.loaded for commit in made) == 0
    assert filling.verified().loaded == 560


def test_a_worker_of_a_slice_that_slept_changes_nothing(filling: Filling) -> None:
    backfill = filling.register()
    with filling.take(backfill)(FIRST_SLICE, None) as sleeper:
        claim = next(pipeline.claims(sleeper))
        batch = pipeline.transform(sleeper, claim)
        filling.work(backfill)
        assert pipeline.decide(sleeper, batch, pipeline.check(sleeper, batch)) is None
        pipeline.drain(sleeper)
    assert filling.verified().duplicates == 0
    assert filling.ids == numbers_between(filling.world, FROM, TO)


def test_a_worker_that_knows_an_earlier_pass_does_nothing_in_a_later_one(filling: Filling) -> None:
    first = filling.register()
    filling.work(first)
    second = filling.register(again=True)
    with filling.take(first)(FIRST_SLICE, None) as late, filling.take(second)(FIRST_SLICE, None) as lane:
        assert list(pipeline.claims(late)) == []
        pipeline.drain(lane)
    filling.work(second)
    assert filling.verified().read == 400


@pytest.mark.parametrize("workers", [3])
def test_workers_side_by_side_without_a_lease_load_nothing_twice(filling: Filling, workers: int) -> None:
    backfill = filling.register()
    with ThreadPoolExecutor(workers) as threads:
        list(threads.map(lambda _: filling.work(backfill), range(workers)))
    found = filling.verified()
    assert (found.loaded, found.duplicates, filling.in_progress) == (200, 0, ())


def test_a_slice_that_has_no_record_is_done_by_an_empty_commit(filling: Filling) -> None:
    filling.world.api.records = []
    made = filling.fill(until="2026-01-08")
    assert [commit.header.accounts.read for commit in made] == [0, 0, 0]
    assert filling.in_progress == ()


def test_a_slice_goes_on_where_it_was_stopped(filling: Filling) -> None:
    filling.world.stream = cut_stream(batch={"size": 5, "per_commit": 1})
    filling.world.api.page_size = 5
    backfill = filling.register(until="2026-01-06")
    with filling.take(backfill)(FIRST_SLICE, None) as lane:
        claim = next(pipeline.claims(lane))
        batch = pipeline.transform(lane, claim)
        pipeline.complete(lane, pipeline.decide(lane, batch, pipeline.check(lane, batch)))
    filling.world.api.asked.clear()
    filling.work(backfill)
    assert {each["page"] for each in was_asked(filling.world)} == {"2", "3", "4", "5"}
    found = filling.verified()
    assert (found.loaded, found.duplicates) == (20, 0)


def test_a_slice_that_fails_hinders_no_other_and_is_read_by_the_next_worker(filling: Filling) -> None:
    filling.world.api.fault = lambda target: (500, {}, b"") if "since=2026-01-07" in target else None
    backfill = filling.register()
    slices = filling.slices(backfill)
    for lane in free_slices(slices, filling.take(backfill), filling.world.clock):
        try:
            pipeline.drain(lane)
        except DatastreamError:
            continue
    assert list(slices.left()) == ["backfill-20260107T000000Z-20260108T000000Z"]
    filling.world.api.fault = None
    filling.work(backfill)
    assert (filling.verified().loaded, filling.in_progress) == (200, ())


def test_the_cursor_of_the_first_lane_never_moves_back(world: World) -> None:
    """The source has lost its latest record: what is asked for next would reach into what a backfill may own."""
    world.api.records = orders(399)
    world.run()
    world.api.records = orders(398)[-1:]
    [commit] = world.run()
    assert (commit.header.accounts.read, commit.header.offsets["cursor"]) == (1, order(399)["at"])


def test_a_number_may_be_the_cursor(world: World) -> None:
    world.stream = stream_of(source={"cursor": {"field": "id", "param": "since", "initial": 400}}, partition_by=None)
    world.api.records = orders(560)
    world.api.pages = answers(world.api, since=False, until=False)
    filling = Filling(world)
    made = filling.fill("100", "9000", None)
    assert made[0].header.lane == "backfill-100-400"
    assert filling.ids == list(range(100, 400))
    world.run()
    assert filling.ids == list(range(1, 561))
    assert filling.verified().duplicates == 300
