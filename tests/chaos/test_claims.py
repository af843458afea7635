"""Claims that are odd as a whole (R27), and records that break the code that looks at them (R24).

A few records that make the transform raise are set aside, and their companions arrive with the first attempt. A
transform or a rule that raises whatever it is given stops the lane with a sentence: nothing is committed, lost or
doubled by it, and once it is mended everything arrives.
"""

import json
from pathlib import Path

import pytest

from datastream.errors import Permanent
from datastream.lake.verify import verify
from datastream.quality import SuiteErrored
from datastream.records import Accounts
from datastream.transform import TransformFailed
from tests.conftest import SUITE, World, order, orders, stream_of
from tests.transforms import POISON


def bad(count: int) -> list[dict[str, object]]:
    return [order(number, amount=None) for number in range(1, count + 1)]


CLAIMS = {
    "all bad": (bad(50), Accounts(read=50, loaded=0, quarantined=50)),
    "all good": (orders(50), Accounts(read=50, loaded=50)),
    "one": (orders(1), Accounts(read=1, loaded=1)),
    "one that is bad": (bad(1), Accounts(read=1, loaded=0, quarantined=1)),
    "the same twice": (orders(1) * 2, Accounts(read=2, loaded=1, duplicates=1)),
}


@pytest.mark.parametrize(("records", "accounts"), CLAIMS.values(), ids=CLAIMS.keys())
def test_r27_the_accounts_of_an_odd_claim_are_exact(
    world: World, records: list[dict[str, object]], accounts: Accounts
) -> None:
    world.api.records = records
    [commit] = world.run()
    assert commit.header.accounts == accounts
    assert all(file.rows for file in commit.all_files), "no file is empty"
    assert verify(world.store, "orders").problems == []


def test_r27_an_empty_source_commits_nothing(world: World) -> None:
    assert world.run() == []
    assert list(world.store.keys("_log/")) == []


def poisoned(world: World) -> None:
    """Have a record among others that breaks whatever is asked of it, and a file of what was tried before."""
    world.api.records = orders(40)
    world.run()
    world.api.records += [order(number, at=f"2026-03-01T0{number % 10}:00:00Z") for number in range(60, 70)]


def test_r24_a_record_that_breaks_the_transform_is_set_aside_and_its_companions_arrive(world: World) -> None:
    poisoned(world)
    world.stream = stream_of(transform="tests.transforms:allergic")
    [commit] = world.run()
    assert commit.header.set_aside == {"transform: ValueError": 1}
    assert world.rows("select (_raw::json->>'id')::int from orders_quarantine") == [(POISON,)]
    found = verify(world.store, "orders")
    assert (found.loaded, found.problems) == (49, [])


@pytest.mark.parametrize("poison", [POISON, None], ids=["one record alone", "all records"])
def test_r24_a_transform_that_stands_nothing_stops_its_lane_until_it_is_mended(
    world: World, poison: int | None
) -> None:
    """Nobody can tell that it is not the transform that is wrong: nothing is set aside."""
    world.api.records = [order(poison)] if poison else orders(40)
    world.stream = stream_of(transform=f"tests.transforms:{'allergic' if poison else 'raising'}")
    for _ in range(5):
        with pytest.raises(TransformFailed, match="Mend it; nothing was committed"):
            world.run()
    world.stream = stream_of()
    world.run()
    found = verify(world.store, "orders")
    assert (found.loaded, found.problems) == (len(world.api.records), [])


def test_r24_a_rule_that_raises_stops_its_lane_until_it_is_mended(world: World, suites: Path) -> None:
    poisoned(world)
    broken = {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "at", "regex": "("}}
    rules = [*SUITE["expectations"], {**broken, "severity": "critical"}]
    (suites / "orders.json").write_text(json.dumps({**SUITE, "expectations": rules}))
    for _ in range(5):
        with pytest.raises(Permanent) as told:
            world.run()
        assert isinstance(told.value, SuiteErrored)
    assert verify(world.store, "orders").loaded == 40
    (suites / "orders.json").write_text(json.dumps(SUITE))
    world.run()
    found = verify(world.store, "orders")
    assert (found.loaded, found.problems) == (50, [])
