"""A stream's file is edited while it has data, or in the middle of a window: nothing is mixed and nothing doubled."""

import pytest

from datastream.lake.verify import verify
from datastream.shape import IdentityChanged, ShapeChanged
from datastream.sources.judge import ApiBusy, ApiRefused
from tests.conftest import World, orders, stream_of


def stopped_in_the_middle(world: World) -> None:
    """Commit five pages of twelve."""
    world.api.records = orders(1200)
    world.api.fault = lambda target: (500, {}, b"") if "page=8" in target.split("&") else None
    with pytest.raises(ApiBusy):
        world.run()
    world.api.fault = None
    world.api.asked.clear()


@pytest.mark.parametrize(
    "changes",
    [
        {"key": ["id", "amount"]},
        {"source": {"cursor": None}},
        {"source": {"cursor": {"field": "id", "param": "after", "initial": 0}}},
    ],
    ids=["key", "no cursor", "another cursor"],
)
def test_another_identity_is_refused(world: World, changes: dict) -> None:
    """Every record would be taken for a new one, and loaded again."""
    world.api.records = orders(50)
    world.run()
    world.stream = stream_of(**changes)
    with pytest.raises((IdentityChanged, ShapeChanged), match="everything would be loaded again"):
        world.run()
    assert verify(world.store, "orders").ok


@pytest.mark.parametrize(
    "source",
    [
        {"path": "/linked"},
        {"records": "items.rows"},
        {"params": {"since": "2029-01-01"}},
        {"paginate": {"kind": "next_link"}},
    ],
    ids=["path", "records", "params", "paginate"],
)
def test_an_open_window_is_read_to_its_end_as_it_was_asked(world: World, source: dict) -> None:
    stopped_in_the_middle(world)
    world.stream = stream_of(source=source)
    world.run()
    assert all(target.startswith("/numbered?since=2026-01-01") for target in world.api.asked)
    assert world.rows("select count(*), count(distinct id) from orders") == [(1200, 1200)]


def test_a_window_whose_question_has_become_wrong_is_begun_again_with_the_new_one(world: World) -> None:
    """The API wants another version from now on; whoever corrects the stream must not be held by the old question."""
    stopped_in_the_middle(world)
    world.api.fault = lambda target: None if "v=2" in target else (404, {}, b"which version?")
    with pytest.raises(ApiRefused):
        world.run()
    world.stream = stream_of(source={"params": {"v": 2}})
    world.run()
    assert world.rows("select count(*), count(distinct id) from orders") == [(1200, 1200)]


def test_an_ordered_source_may_be_read_again(world: World) -> None:
    cursor = {"field": "id", "param": "after", "initial": 0, "ordered": True}
    world.stream = stream_of(source={"cursor": cursor})
    stopped_in_the_middle(world)
    del world.api.records[:150]
    world.run()
    assert world.rows("select count(*), count(distinct id) from orders") == [(1200, 1200)]


@pytest.mark.parametrize("batch", [{"size": 30, "per_commit": 2}, {"size": 1000, "per_commit": 50}])
def test_another_batch_size_changes_nothing_but_the_files(world: World, batch: dict) -> None:
    stopped_in_the_middle(world)
    world.stream = stream_of(batch=batch)
    world.run()
    found = verify(world.store, "orders")
    assert (found.loaded, found.ok) == (1200, True)
