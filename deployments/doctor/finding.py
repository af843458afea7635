"""What was looked at, and what was found."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from datastream.clock import SystemClock
from datastream.errors import DatastreamError


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `said` is a sentence: what it is, or what is wrong and the way out."""

    what: str
    ok: bool
    said: str
    took: timedelta


def examined(what: str, look: Callable[[], str]) -> Finding:
    """Look at one thing. Errors of ours are findings; any other is a fault of the doctor's own and is raised."""
    clock = SystemClock()
    began = clock.monotonic()
    try:
        ok, said = True, look()
    except DatastreamError as error:
        ok, said = False, str(error)
    return Finding(what, ok, said, timedelta(seconds=clock.monotonic() - began))
