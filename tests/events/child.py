"""One worker that commits and announces in a process of its own, to be killed."""

import os
from pathlib import Path

from datastream.announce import Outbox, announce
from datastream.events.bus import open_event_bus
from datastream.lake.local import LocalStore
from tests.events.commits import commit
from tests.events.rabbit import config_of


def run(url: str, folder: str, crash_at: str, first: int, count: int) -> None:
    """Announce what an earlier worker left, then make commits and announce each."""
    os.environ["CRASH_AT"] = crash_at
    store = LocalStore(Path(folder))
    outbox = Outbox(store, "orders")
    with open_event_bus(config_of(url)) as bus:
        announce(outbox, bus)
        for seq in range(first, first + count):
            commit(store, seq)
            announce(outbox, bus)
