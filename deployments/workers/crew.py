"""The processes of the workers: begun, replaced when they die, and sent away one by one without losing a run."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.process import BaseProcess

from datastream.clock import Clock
from deployments.workers.children import children

NOW = signal.SIGQUIT
"""Has a worker end without waiting for its runs. It is no second SIGTERM, since two of those may arrive as one."""
HEARD = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, NOW}
Begin = Callable[[str], BaseProcess]
"""Starts the process of a worker of this name. It ends without losing a run when it is sent SIGTERM once."""


@dataclass(frozen=True, slots=True)
class RestPolicy:
    """How long nobody is begun after one has died young: longer each time, until one grows old."""

    young: timedelta = timedelta(minutes=1)
    first: timedelta = timedelta(seconds=1)
    most: timedelta = timedelta(minutes=1)

    def rest(self, deaths: int) -> timedelta:
        """Return the rest after so many of them in a row."""
        return min(self.first * 2 ** min(deaths - 1, 16), self.most) if deaths else timedelta()


@dataclass(slots=True)
class Member:
    """One worker."""

    number: int
    name: str
    process: BaseProcess
    began: float
    leaves: bool = False

    @property
    def busy(self) -> bool:
        """Tell whether it has a run. It is a guess for as long as a run is just being begun."""
        return bool(self.process.pid and children(self.process.pid))


class Crew:
    """The workers of one supervisor, named `{host}-{number}`. Never do more than `most` live, with those that leave."""

    def __init__(self, begin: Begin, host: str, most: int, clock: Clock, policy: RestPolicy | None = None) -> None:
        self._begin, self._host, self._most, self._clock = begin, host, most, clock
        self._policy = policy or RestPolicy()
        self._members: list[Member] = []
        self._deaths, self._rests_until = 0, 0.0

    def __len__(self) -> int:
        return len(self._members)

    def reap(self) -> Iterator[tuple[Member, int]]:
        """Yield each that has ended, with its exit code; one that was not to leave will be replaced."""
        for member in tuple(self._members):
            code = member.process.exitcode
            if code is None:
                continue
            self._members.remove(member)
            member.process.close()
            if not member.leaves:
                self._mourn(member)
            yield member, code

    def become(self, wanted: int) -> list[Member]:
        """Begin so many, or send so many away, that `wanted` stay; return who they are. A dead one's rest holds."""
        stay = [member for member in self._members if not member.leaves]
        if wanted < len(stay):
            return self._send_away(len(stay) - wanted, stay)
        if self._clock.monotonic() < self._rests_until:
            return []
        return [self._hire() for _ in range(min(wanted - len(stay), self._most - len(self._members)))]

    def end(self, number: signal.Signals) -> None:
        """Have all of them end, in the way that this signal means."""
        for member in self._members:
            self._ask(member, number)

    def counts(self) -> dict[str, int]:
        """Say how many have a run, have none, and leave."""
        busy = [member.busy for member in self._members if not member.leaves]
        return {"busy": sum(busy), "idle": len(busy) - sum(busy), "leaving": len(self._members) - len(busy)}

    def sentinels(self) -> list[int]:
        """Return what becomes readable when one of them ends."""
        return [member.process.sentinel for member in self._members]

    def rest(self) -> timedelta:
        """Return for how long nobody will be begun."""
        return timedelta(seconds=max(self._rests_until - self._clock.monotonic(), 0.0))

    def _hire(self) -> Member:
        number = min(set(range(1, self._most + 1)) - {member.number for member in self._members})
        name = f"{self._host}-{number}"
        # Until it can hear it a signal waits, and does not meet the handlers that it inherits.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
        try:
            member = Member(number, name, self._begin(name), self._clock.monotonic())
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._members.append(member)
        return member

    def _send_away(self, count: int, stay: list[Member]) -> list[Member]:
        leaving = sorted(stay, key=lambda member: (member.busy, -member.number))[:count]
        for member in leaving:
            self._ask(member)
        return leaving

    def _ask(self, member: Member, number: signal.Signals = signal.SIGTERM) -> None:
        member.leaves = True
        if member.process.pid and member.process.exitcode is None:
            os.kill(member.process.pid, number)  # not reaped yet, so the pid is still its own

    def _mourn(self, member: Member) -> None:
        now = self._clock.monotonic()
        self._deaths = self._deaths + 1 if now - member.began < self._policy.young.total_seconds() else 0
        self._rests_until = now + self._policy.rest(self._deaths).total_seconds()
