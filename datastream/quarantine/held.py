"""Lets a held claim go, or keeps it in quarantine for good: a commit of the lane `replay` says which; first wins."""

from collections.abc import Callable

from datastream.errors import Permanent
from datastream.lake.live import live
from datastream.lake.manifest import Manifest
from datastream.lake.returned import REJECTED, RELEASED, HeldClaim, held_claims
from datastream.lane import Lane
from datastream.notice import notice
from datastream.quarantine.mending import Wanted
from datastream.quarantine.replay import Replayed, refuse_snapshots, replay


class NotHeld(Permanent):
    """No claim of that name is held."""


class HeldDecided(Permanent):
    """The opposite was decided of a held claim before."""


def release(lane: Lane, commit: str, on_commit: Callable[[Manifest], None] = lambda _: None) -> Replayed:
    """Load a held claim as if no rule had held it: rows that break a rule which sets rows aside stay in quarantine.

    Repeating it is harmless, and finishes what was stopped. Raises NotHeld, HeldDecided, ReplayRefused, and what a run
    raises.
    """
    refuse_snapshots(lane)
    _say(lane, commit, RELEASED)
    return replay(lane, Wanted(commit=commit), on_commit, actions=frozenset({"quarantine"}))


def reject(lane: Lane, commit: str) -> HeldClaim:
    """Have a held claim stay in quarantine for good. Repeating it is harmless. Raises NotHeld and HeldDecided."""
    return _say(lane, commit, REJECTED)


def _say(lane: Lane, commit: str, decided: str) -> HeldClaim:
    """Have the log say what was decided, and return the claim. Another worker's commit that comes first is read."""
    while True:
        claim = _claim(lane, commit)
        if claim.state == decided:
            return claim
        if claim.state != "held":
            raise HeldDecided(
                f"Commit {commit} of {lane.stream.name!r} was {claim.state} before, so it cannot be {decided} any "
                "more. Rows of a released one that are still in quarantine are loaded by `quarantine replay`; the rows "
                "of a rejected one stay there."
            )
        notice(lane, lane.stream, {decided: commit}, lane.clock)


def _claim(lane: Lane, commit: str) -> HeldClaim:
    there = held_claims(live(lane.store, lane.stream.name))
    for claim in there:
        if claim.commit == commit:
            return claim
    waiting = ", ".join(claim.commit for claim in there if claim.state == "held")
    raise NotHeld(
        f"No claim of {lane.stream.name!r} is held as commit {commit!r}. Held are: {waiting or 'none'}. "
        f"See them with: datastream quarantine list {lane.stream.name} --held"
    )
