"""What is known of a stream, for whoever only looks."""

from datetime import datetime

from datastream.health.state import State
from datastream.lake import layout
from datastream.lake.log import Log
from datastream.lake.store import Store


def known(store: Store, stream: str) -> tuple[State, datetime] | None:
    """Return what is known of a stream's quality, and since when; None before the first run. Nothing is written."""
    newest = Log(store, layout.QUALITY, stream).newest()
    return None if newest is None else (State.of(newest.header.offsets), newest.header.decided_at)
