"""Incidents: a check that is judged and not met opens one, and it closes once the check was met twice in a row.

So a check that is met now and then sends one alert and not one an hour. While a check is muted, its incidents stay as
they are; it is judged and told all the same.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from datastream.quality.check import Check

_MET_IN_A_ROW = 2
MOST_CLOSED, MOST_MUTES = 50, 200
Key = tuple[str, str]


class Incident(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that is not as it should be, from when it was seen until it was not."""

    id: str
    check: str
    subject: str = ""
    opened_at: datetime
    since: datetime
    """Where the time begins that was judged when it was opened."""
    said: str
    """What was seen and expected, without a value of a row."""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    met: int = 0
    """How often in a row its check was met since."""
    closed_at: datetime | None = None
    how: Literal["met", "accepted", "not expected any more"] | None = None

    @property
    def key(self) -> Key:
        """What it is about."""
        return self.check, self.subject


class Mute(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """That nobody wants to hear of a check for a while."""

    check: str
    subject: str = ""
    """Empty stands for all of them."""
    at: datetime
    until: datetime
    why: str

    def holds(self, key: Key, now: datetime) -> bool:
        """Tell whether a check is muted now."""
        return now < self.until and self.check == key[0] and self.subject in ("", key[1])


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to an incident."""

    what: Literal["opened", "closed"]
    incident: Incident


class Incidents(msgspec.Struct, kw_only=True):
    """Those of a stream, and its mutes. Their number is bounded."""

    stream: str
    opened: int = 0
    """How many there ever were: each has a number of its own."""
    open: list[Incident] = []
    closed: list[Incident] = []
    """The last fifty."""
    mutes: list[Mute] = []

    def judge(self, checks: Sequence[Check], gone: Collection[Key], now: datetime) -> tuple[list[Check], list[Change]]:
        """Return the checks with their incidents, and what happened to these. What is `gone` is asked no more.

        A check that is not judged changes nothing: that nothing came to judge by does not say that all is well.
        """
        self.mutes = [mute for mute in self.mutes if now < mute.until]
        there = {incident.key: incident for incident in self.open}
        changes = [self._close(there[key], "not expected any more", now) for key in gone if key in there]
        told: list[Check] = []
        for check in checks:
            if self.muted_until(check.key, now) is not None:
                told.append(_with(check, there.get(check.key), muted=True))
                continue
            incident, change = self._judged(check, there.get(check.key), now)
            changes += [change] if change else []
            told.append(_with(check, incident))
        return told, changes

    def muted_until(self, key: Key, now: datetime) -> datetime | None:
        """Return when a check is told again; None where it is not muted now."""
        return max((mute.until for mute in self.mutes if mute.holds(key, now)), default=None)

    def accept(self, incident: Incident, now: datetime) -> Change:
        """Close an incident because what it is about is to be the new usual."""
        return self._close(incident, "accepted", now)

    def _judged(self, check: Check, incident: Incident | None, now: datetime) -> tuple[Incident | None, Change | None]:
        if check.result == "not met":
            if incident is None:
                return self._open(check, now)
            return self._put(incident, msgspec.structs.replace(incident, met=0)), None
        if incident is None or check.result == "not judged":
            return incident, None
        if incident.met + 1 < _MET_IN_A_ROW:
            return self._put(incident, msgspec.structs.replace(incident, met=incident.met + 1)), None
        return incident, self._close(incident, "met", now)

    def _open(self, check: Check, now: datetime) -> tuple[Incident, Change]:
        self.opened += 1
        incident = Incident(
            id=f"{self.stream}/{check.name.replace(':', '/', 1)}/{self.opened}", check=check.check,
            subject=check.subject, opened_at=now, since=check.since or now, value=check.value, low=check.low,
            high=check.high, said=f"{check.observed} (expected: {check.expected})",
        )  # fmt: skip
        self.open = [*self.open, incident]
        return incident, Change(what="opened", incident=incident)

    def _put(self, old: Incident, new: Incident) -> Incident:
        self.open = [new if each.id == old.id else each for each in self.open]
        return new

    def _close(
        self, incident: Incident, how: Literal["met", "accepted", "not expected any more"], now: datetime
    ) -> Change:
        closed = msgspec.structs.replace(incident, closed_at=now, how=how, met=0)
        self.open = [each for each in self.open if each.id != incident.id]
        self.closed = [*self.closed, closed][-MOST_CLOSED:]
        return Change(what="closed", incident=closed)


def _with(check: Check, incident: Incident | None, *, muted: bool = False) -> Check:
    result = "muted" if muted and check.result == "not met" else check.result
    return msgspec.structs.replace(check, result=result, incident=incident.id if incident else "")
