"""Records of one id that are not one record are told; what differs in its spelling alone is not."""

from collections.abc import Sequence

import msgspec
import pytest

from datastream.collisions import Collisions, collisions
from datastream.connections import ApiConfig
from datastream.intake.api import api_intake
from datastream.lane import open_lane
from datastream.pipeline import drain
from datastream.quality import load_suite
from tests.conftest import World, order, orders, stream_of
from tests.fake_api import LOCAL


def found(*records: str, refused: Sequence[int] = ()) -> Collisions:
    """Return what collides among records that all have one id."""
    return collisions(["a"] * len(records), [msgspec.Raw(record.encode()) for record in records], refused)


SAME = {
    "order": '{"b": {"d": 1, "c": 2}, "a": 1}',
    "spacing": '{"a":1,"b":{"c":2,"d":1}}',
    "null": '{"a": 1, "b": {"c": 2, "d": 1}, "n": null}',
    "escapes": '{"\\u0061": 1, "b": {"\\u0063": 2, "d": 1}}',
}


@pytest.mark.parametrize("other", SAME.values(), ids=SAME.keys())
def test_another_spelling_is_no_other_content(other: str) -> None:
    assert not found('{"a": 1, "b": {"c": 2, "d": 1}}', other)


DIFFERENT = {
    "value": ('{"a": 1, "b": 1}', '{"a": 1, "b": 2}', ("b",)),
    "kind": ('{"a": 1}', '{"a": true}', ("a",)),
    "text": ('{"a": "1"}', '{"a": 1}', ("a",)),
    "last digit": ('{"a": 0.1234567890123456781}', '{"a": 0.1234567890123456782}', ("a",)),
    "one field less": ('{"a": 1, "b": 1}', '{"a": 1}', ("b",)),
    "one field more": ('{"a": 1}', '{"b": 1, "a": 1}', ("b",)),
    "within": ('{"a": {"b": [1, 2]}}', '{"a": {"b": [2, 1]}}', ("a",)),
    "two named of three": ('{"a": 1, "b": 1, "c": 1}', '{"a": 2, "b": 2, "c": 2}', ("a", "b")),
    "a name that cannot be shown": ('{"\\u0007": 1}', '{"\\u0007": 2}', ("'\\x07'",)),
    "a name that is empty": ('{"": 1}', '{"": 2}', ("''",)),
    "not JSON everywhere": ('{"a": NaN}', '{"a": 1}', ("a",)),
}


@pytest.mark.parametrize(("one", "other", "fields"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_other_content_is_told_with_its_fields(one: str, other: str, fields: tuple[str, ...]) -> None:
    assert found(one, other) == Collisions(1, fields)


def test_each_is_compared_with_the_first_which_is_the_one_that_is_loaded() -> None:
    assert found('{"a": 1}', '{"a": 2}', '{"a": 2}', '{"a": 1}', '{"a":1}') == Collisions(2, ("a",))


def test_what_is_refused_anyway_is_left_out() -> None:
    assert not found('{"a": 1}', "[1]", refused=[1])


def drained(world: World) -> Collisions:
    suite, config = load_suite(world.suites, "orders"), ApiConfig(base_url=world.api.url, private_networks=LOCAL)
    with (
        api_intake(world.stream, config, world.clock) as intake,
        open_lane(world.stream, suite, world.store, intake, run="run", clock=world.clock) as lane,
    ):
        drain(lane)
        return lane.collisions


def test_a_key_that_tells_nothing_apart_is_told_by_the_lane(world: World) -> None:
    """The accounts alone would call them harmless."""
    world.stream = stream_of(key=["kind"], source={"cursor": None})
    world.api.records = [{**each, "kind": "a"} for each in orders(40)]
    assert drained(world) == Collisions(39, ("id", "at"))


def test_what_comes_again_as_it_was_is_harmless(world: World) -> None:
    world.api.records = [*orders(40), *orders(40)]
    assert (drained(world), drained(world)) == (Collisions(), Collisions())


def test_it_is_told_again_by_a_run_that_loads_nothing_new(world: World) -> None:
    world.stream = stream_of(source={"cursor": None})
    world.api.records = [order(1), order(1, amount=7)]
    assert drained(world) == drained(world) == Collisions(1, ("amount",))


def test_the_sentence_names_what_does_not_tell_them_apart() -> None:
    told = Collisions(2, ("a", "b"))
    assert told.told(stream_of()).startswith(
        "2 records have the key (id) and cursor (at) of an earlier one and other content, for example in a and b: "
    )
    assert told.told(stream_of(source={"cursor": None})).startswith("2 records have the key (id) of an earlier one")
