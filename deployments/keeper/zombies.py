"""Tells a run that is dead from one that is busy, by what was seen of it. Pure: nothing is asked or changed here.

Best is the connection that a run holds as long as its process lives. Where there is none to see (no Redis, a flow of
another project), it is Prefect's heartbeat, of which three of its own may be missed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from datastream.buffers.presence import SETTLED, Ending, Sight

ACTIVE = ("RUNNING", "PENDING")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a sign of life is waited for; each is counted while the keeper could have seen one."""

    gone: timedelta = timedelta(seconds=15)
    """After a connection closed: a worker that lives tells more of a crash than we could."""
    silence: timedelta = timedelta(seconds=90)
    """Three heartbeats of the most frequent kind that Prefect allows. Of another kind it is three of those."""
    heartbeat: timedelta = timedelta(seconds=180)
    """Between two of a run that sent one only: what Prefect does unless it is told otherwise."""
    pending: timedelta = timedelta(seconds=80)
    """From a worker's taking a run to its first step; with an empty machine it is 10 s."""
    settled: timedelta = SETTLED
    """After a restart of the buffer, and after it gave no answer."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a run at one moment. `gone_for` counts from when its connection was first missed."""

    state: str
    since: datetime
    sight: Sight | None = None
    gone_for: timedelta = timedelta()
    beats: tuple[datetime, ...] = ()
    """Its last two heartbeats, the newest first, as far as it sent so many."""
    starts_at_once: bool = True
    """Whether its work pool starts processes; a container may wait for its image, and is watched by its own worker."""


def judged(seen: Seen, now: datetime, watched_for: timedelta, patience: Patience) -> Ending | None:
    """Return the state that a run is in by what was seen of it, or None if the server's may be true.

    `watched_for` is how long server and buffer have answered without a break.
    """
    if seen.sight is not None and seen.sight.connected:
        return None
    if seen.state == "PENDING":
        return _never_began(seen, now, watched_for, patience)
    if seen.sight is None:
        return _silent(seen, now, watched_for, patience)
    return _gone(seen, patience)


def _never_began(seen: Seen, now: datetime, watched_for: timedelta, patience: Patience) -> Ending | None:
    waited = now - seen.since
    if not seen.starts_at_once or min(waited, watched_for) < patience.pending:
        return None
    return _crashed(f"A worker took this run {_s(waited)} ago, and it never began")


def _gone(seen: Seen, patience: Patience) -> Ending | None:
    if seen.sight is None or seen.gone_for < patience.gone:
        return None
    if seen.sight.ending.type not in {"", seen.state}:
        return _belated(seen.sight.ending)
    return _crashed("The process of this run is gone") if seen.state == "RUNNING" else None


def _silent(seen: Seen, now: datetime, watched_for: timedelta, patience: Patience) -> Ending | None:
    if seen.state != "RUNNING" or not seen.beats:
        return None
    silent, between = now - seen.beats[0], seen.beats[0] - seen.beats[1] if seen.beats[1:] else patience.heartbeat
    if min(silent, watched_for) < max(patience.silence, 3 * between):
        return None
    return _crashed(f"Nothing was heard of this run for {_s(silent)}, which is three heartbeats")


def _belated(ending: Ending) -> Ending:
    said = f"{ending.message} " if ending.message else ""
    return Ending(ending.type, ending.name, f"{said}(The server was away when this run ended, and was told later.)")


def _crashed(what: str) -> Ending:
    return Ending("CRASHED", "Crashed", f"{what}.")


def _s(duration: timedelta) -> str:
    return f"{duration.total_seconds():.0f} s"
