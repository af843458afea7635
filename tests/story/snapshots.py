"""What tests of snapshots share: a source that changes from pass to pass, and what readers see."""

from datetime import timedelta

import pytest

from datastream.lake.manifest import Manifest
from datastream.lake.sql import query
from datastream.lake.tables import read
from datastream.sources.judge import ApiBusy
from tests.conftest import World, orders

REPLACED = {"load": "replace", "source": {"cursor": None}}
APPENDED = {"source": {"cursor": None}}


def sees(world: World, as_of: str | None = None) -> list[int]:
    """Return the ids that readers see, by SQL and as a table: they see the same, and each once."""
    found = [row[0] for row in query(world.store, "select id from orders order by id", as_of)[1]]
    assert sorted(read(world.store, "orders", as_of=as_of)["id"].to_pylist()) == found
    return found


def numbers(records: list[dict]) -> list[int]:
    return sorted(record["id"] for record in records)


def passed(world: World, records: list[dict]) -> list[Manifest]:
    """Have the source hold these records, and run a day later."""
    world.clock.advance(timedelta(days=1))
    world.api.records = records
    return world.run()


def stopped_in_the_middle(world: World) -> None:
    """Commit five pages of twelve."""
    world.api.records = orders(1200)
    world.api.fault = lambda target: (500, {}, b"") if target.endswith("page=8") else None
    with pytest.raises(ApiBusy):
        world.run()
    world.api.fault = None
    world.api.asked.clear()


def place_is_gone(world: World) -> None:
    """Have the API know page 6 no more when it is asked for the first time."""
    gone = ["page=6"]
    world.api.fault = lambda target: (410, {}, b"") if gone and target.endswith(gone[0]) and gone.pop() else None
