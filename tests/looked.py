"""What checks say of a stream that nobody looked at before."""

from datetime import datetime

from datastream.catalog import Stream
from datastream.health.looking import look
from datastream.health.state import Memory, State
from datastream.lake.store import Store
from datastream.quality.check import Check
from datastream.quality.figures import Figures
from datastream.quality.incidents import Incidents


def nothing_known(stream: Stream) -> State:
    figures = Figures(window=stream.quality.volume.window)
    return State(upto={}, incidents=Incidents(stream=stream.name), memory=Memory(figures=figures))


def check_commits(stream: Stream, store: Store, now: datetime) -> list[Check]:
    """Ask all checks, and keep nothing."""
    return look(stream, store, nothing_known(stream), now)[0]
