"""What others left on the lake under our names (S31): pickles, and Arrow, Parquet and JSON that are broken somewhere.

It is told in a sentence or named by verify; nothing of it is ever executed, and no process dies of it.
"""

import pickle
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from datastream.errors import Permanent
from datastream.lake import layout, writer
from datastream.lake.manifest import ManifestBroken, decode, encode
from datastream.lake.parquet import NOT_PARQUET, record_ids, rows
from datastream.lake.plan import decode_plan
from datastream.lake.reader import quarantined, query
from datastream.lake.store import MemoryStore
from datastream.lake.verify import verify
from tests.conftest import World, order, orders
from tests.forks import forks
from tests.lake.plans import plan_of

MUTATIONS = 300
DATA = "orders/data/0-000000000001-0000.parquet"


class Bomb:
    """A pickle that leaves a mark when it is loaded."""

    def __init__(self, mark: Path) -> None:
        self._mark = str(mark)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, (self._mark, "w")


PLACES = {
    "a plan": layout.plan("orders", "0", 2),
    "a manifest": layout.manifest("orders", "0", 2),
    "a data file": DATA,
    "a quarantine": layout.quarantine_file("orders", "0", 1),
}


@pytest.mark.parametrize("key", PLACES.values(), ids=PLACES.keys())
def test_a_pickle_is_never_loaded(world: World, tmp_path: Path, key: str) -> None:
    mark = tmp_path / "mark"
    world.stream = world.stream.model_copy(update={"partition_by": None})
    world.api.records = [*orders(20), order(21, amount=None)]
    world.run()
    world.store.delete(key)
    world.store.create(key, pickle.dumps(Bomb(mark)))
    world.api.records += orders(5, start=30)
    told = []
    uses = (
        world.run,
        lambda: verify(world.store, "orders").problems,
        lambda: query(world.store, "from orders"),
        lambda: quarantined(world.store, "orders", None, 10),
    )
    for use in uses:
        try:
            told.append(bool(use()))
        except Permanent as error:
            told.append("Restore it" in str(error) or "orders" in str(error))
    assert all(told)
    assert not mark.exists()


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Return bytes that are cut, flipped, overwritten or turned round somewhere."""
    broken = bytearray(data)
    at = chance.randrange(len(broken))
    match chance.randrange(4):
        case 0:
            return bytes(broken[:at])
        case 1:
            for place in chance.sample(range(len(broken)), 3):
                broken[place] = chance.randrange(256)
        case 2:
            broken[at : at + chance.randint(1, 30)] = chance.randbytes(chance.randint(0, 40))
        case _:
            broken = broken[at:] + broken[:at]
    return bytes(broken)


def read_broken(name: str) -> None:
    """Read one kind of object, broken in many ways: it is read, or refused in the way its reader promises."""
    plan, store, chance = plan_of([f"id-{n}" for n in range(50)], ["bad"]), MemoryStore(), random.Random(name)
    manifest = writer.write(store, plan)
    kinds: dict[str, tuple[bytes, Callable[[bytes], object], tuple[type[Exception], ...]]] = {
        "plan": (plan.encoded, lambda data: decode_plan("key", data), (ManifestBroken,)),
        "manifest": (encode(manifest), lambda data: decode("key", data), (ManifestBroken,)),
        "ids": (store.objects[DATA], record_ids, NOT_PARQUET),
        "rows": (store.objects[layout.quarantine_file("orders", "0", 1)], rows, NOT_PARQUET),
    }
    data, use, refusals = kinds[name]
    for _ in range(MUTATIONS):
        try:
            use(mutated(data, chance))
        except refusals:
            continue


@pytest.mark.parametrize("name", ["plan", "manifest", "ids", "rows"])
def test_a_broken_object_is_refused_and_kills_nobody(name: str) -> None:
    """In a process of its own, because what is tried is whether it lives."""
    process = forks().Process(target=read_broken, args=(name,))
    process.start()
    process.join(60)
    assert process.exitcode == 0
