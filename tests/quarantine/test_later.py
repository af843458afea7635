"""What was loaded from quarantine, when the stream goes on: other passes, keys and schemas, and a shorter log."""

import json
from datetime import timedelta

import pytest

from datastream.catalog import Stream
from datastream.lake import reader
from datastream.lake.live import live
from datastream.lake.log import Log
from datastream.lake.manifest import FORMAT_OF_REPLAYS
from datastream.lake.verify import verify
from datastream.lookback import look_back
from datastream.maintenance import maintain
from datastream.notice import notice
from datastream.quality import load_suite
from datastream.quarantine import ReplayRefused, Wanted, replay
from tests.conftest import World, order, stream_of
from tests.quarantine.conftest import Replaying, without_amount

MENDED = Wanted(mended={"amount": "7"})


def loaded(world: World) -> list[tuple[int, int]]:
    return world.rows("select id, amount from orders order by id")


def test_a_snapshot_takes_the_place_of_what_was_replayed_too(world: World, replaying: Replaying) -> None:
    world.stream = stream_of(source={"cursor": None})
    world.api.records += [order(1), *without_amount(2)]
    world.run()
    with replaying() as lane:
        replay(lane, MENDED)
    world.clock.advance(timedelta(minutes=1))
    world.stream = stream_of(load="replace", source={"cursor": None})
    world.api.records = [order(1), order(2)]
    world.run()
    assert loaded(world) == [(1, 1), (2, 2)]
    assert reader.query(world.store, "select amount from orders order by id", "replay-000000000001")[1] == [(1,), (7,)]
    assert verify(world.store, "orders").problems == []
    pieces = look_back(world.stream, load_suite(world.suites, "orders"), world.store, None).pieces
    assert [piece.commit for piece in pieces] == ["0-000000000002"]
    world.stream = stream_of(source={"cursor": None})
    with replaying() as lane, pytest.raises(ReplayRefused, match="or said it before"):
        replay(lane, MENDED)


def test_an_older_version_does_not_read_sums_of_replays(world: World, replaying: Replaying) -> None:
    world.stream = stream_of(retention={"log": "P1D", "data": "P1D", "quarantine": "P1D"})
    for number in (1, 30, 60):
        world.api.records += without_amount(number)
        world.run()
        with replaying() as lane:
            replay(lane, MENDED)
        world.clock.advance(timedelta(days=3))
        maintain(world.stream, world.store, run="maintenance", clock=world.clock)
    made = [rewrite for rewrite in live(world.store, "orders").rewrites if rewrite.folded]
    assert {rewrite.format for rewrite in made} == {FORMAT_OF_REPLAYS}
    assert verify(world.store, "orders").problems == []


def test_the_newest_versions_go_by_the_key_of_today(world: World, replaying: Replaying) -> None:
    """The last commit of the lane of replays may be of another time."""
    world.api.records += [order(1, code="a"), *without_amount(2, code="b")]
    world.run()
    with replaying() as lane:
        replay(lane, MENDED)
    world.clock.advance(timedelta(minutes=1))
    with replaying() as lane:
        lane.log = Log(world.store, "orders")
        lane.reload()
        notice(lane, stream_of(key=["code"]), lane.offsets, world.clock)
    world.stream = stream_of(key=["code"])
    world.api.records += [order(700, code="a"), order(701, code="b")]
    world.run()
    assert world.rows("select id, code from orders_current order by id") == [(700, "a"), (701, "b")]


def described(**declared: str) -> Stream:
    """Return a stream that is read from its beginning each time, and whose records have no other fields than these."""
    columns = {"id": "int64", "at": "string", "amount": "int64", **declared}
    return stream_of(source={"cursor": None}, schema={"declared": columns, "columns": "quarantine_row"})


@pytest.mark.parametrize("first", ["replay", "run"])
def test_a_record_that_was_no_row_is_loaded_once_when_its_schema_is_corrected(
    world: World, replaying: Replaying, first: str
) -> None:
    """It was set aside by its text, and comes again from the source as a row that is known by its key."""
    world.stream = described()
    world.api.records += [order(1), order(2, note="many")]
    world.run()
    world.stream = described(note="string")
    if first == "run":
        world.run()
    with replaying() as lane:
        done = replay(lane, Wanted())
    world.run()
    assert done.left == ({"again: it came once more, as a row, since it was set aside": 1} if first == "run" else {})
    assert loaded(world) == [(1, 1), (2, 2)]


def test_what_an_api_answered_for_a_record_is_never_loaded(world: World, replaying: Replaying) -> None:
    world.stream = stream_of(source={"cursor": None, "errors": [{"status": 422, "then": "quarantine"}]})
    body = {**order(1), "message": "no such thing"}
    world.api.fault = lambda _: (422, {}, json.dumps(body).encode())
    world.run()
    with replaying() as lane:
        done = replay(lane, Wanted())
        assert (done.loaded, done.left) == (0, {"api: 422": 1})
        assert "message" not in lane.schema
