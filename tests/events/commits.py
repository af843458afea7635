"""A lake with small commits, for tests of what is announced."""

from datastream.lake import writer
from datastream.lake.log import Log
from datastream.lake.store import Store
from tests.lake.plans import plan_of


def commit(store: Store, *numbers: int) -> None:
    """Commit claims of these numbers; of every third, rows are set aside."""
    log = Log(store, "orders")
    for seq in numbers:
        plan = plan_of([f"{seq}-good"], [f"{seq}-bad"] if seq % 3 == 0 else [], seq=seq)
        log.decide(plan)
        log.commit(writer.write(store, plan))
        log.settle(seq)


def ids_of(*numbers: int) -> list[str]:
    """Return the ids of all events that these commits have to tell."""
    return [f"orders/0/{seq}/{n}" for seq in numbers for n in ((1, 2) if seq % 3 == 0 else (1,))]
