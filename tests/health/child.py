"""One run of the checks in a process of its own, to be killed."""

import os
from datetime import datetime
from pathlib import Path

from datastream.clock import ManualClock
from datastream.connections import EventBusConfig
from datastream.events.bus import open_event_bus
from datastream.lake.local import LocalStore
from tests.health.kept import Kept


def run(folder: str, now: datetime, crash_at: str, bus: EventBusConfig) -> None:
    """Look once, as by a clock that shows `now`."""
    os.environ["CRASH_AT"] = crash_at
    with open_event_bus(bus) as events:
        kept = Kept(LocalStore(Path(folder)), ManualClock(now), bus=events)
        kept.expect(fresh_within="PT1H")
        kept.check()
