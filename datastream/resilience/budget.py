"""How often another machine may be asked, by all who ask it: an allowance that is declared, and what it says itself.

The log of what was sent is kept elsewhere: in Redis (`datastream.buffers.budgets`), where all workers share it, or in
memory; one contract suite holds both.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import NamedTuple, Protocol

from datastream.clock import Clock
from datastream.errors import Transient

SLACK = timedelta(milliseconds=100)
"""A request is counted when it is sent, not when it arrives: two that are a window apart here may be nearer there."""
_NONE = timedelta()


class BudgetSpent(Transient):
    """Another machine may not be asked for longer than anybody waits."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many requests in any span of such a length."""

    requests: int
    per: timedelta


class Taken(NamedTuple):
    """A request that may be sent, by its number; or how long it has to wait."""

    number: int
    wait: timedelta = _NONE


class Budgets(Protocol):
    """What was sent, by the names of those it was sent to. Every method answers, whatever is broken."""

    def take(self, name: str, allowance: Allowance | None) -> Taken:
        """Count one request more, or tell how long to wait before asking for one again."""

    def ceiling(self, name: str, last: int, lasts: timedelta) -> None:
        """Let no request with a number above `last` be sent for so long. A lower ceiling that stands stays."""

    def rest(self, name: str, lasts: timedelta) -> None:
        """Let no request be sent for so long."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer says of the budget: a rest to be kept, or how many more may be sent within a time."""

    rest: timedelta | None = None
    remaining: int | None = None
    reset: timedelta | None = None


class Budget:
    """The budget of one machine. Safe to use from several threads."""

    def __init__(
        self, name: str, budgets: Budgets, clock: Clock, allowance: Allowance | None = None,
        patience: timedelta = timedelta(minutes=2),
    ) -> None:  # fmt: skip
        self._name, self._budgets, self._clock = name, budgets, clock
        self._allowance, self._patience = allowance, patience

    def admit(self) -> int:
        """Wait until one more request may be sent, and return its number. Raises BudgetSpent if that takes too long."""
        deadline = self._clock.monotonic() + self._patience.total_seconds()
        while True:
            taken = self._budgets.take(self._name, self._allowance)
            if not taken.wait:
                return taken.number
            if self._clock.monotonic() + taken.wait.total_seconds() > deadline:
                raise BudgetSpent(
                    f"{self._name} may not be asked for another {taken.wait.total_seconds():,.0f} s: its budget is "
                    "spent. The cursor has not moved; the next run goes on.",
                    retry_after=taken.wait, given_up=True,
                )  # fmt: skip
            self._clock.sleep(taken.wait)

    def learn(self, number: int, said: Said) -> None:
        """Keep what the answer to a request says."""
        if said.rest:
            self._budgets.rest(self._name, said.rest)
        if said.remaining is not None and said.reset:
            # Requests with greater numbers may be under way: they are counted as if the answer had not seen them.
            self._budgets.ceiling(self._name, number + said.remaining, said.reset)


@dataclass
class _Own:
    sent: deque[float] = field(default_factory=deque)
    number: int = 0
    last: int | None = None
    last_until: float = 0.0
    rests_until: float = 0.0


class MemoryBudgets:
    """Budgets of one process, shared by its threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock = clock, Lock()
        self._by_name: dict[str, _Own] = {}

    def take(self, name: str, allowance: Allowance | None) -> Taken:
        with self._lock:
            own, now = self._of(name), self._clock.monotonic()
            if now < own.rests_until:
                return Taken(own.number, timedelta(seconds=own.rests_until - now))
            if own.last is not None and now < own.last_until and own.number >= own.last:
                return Taken(own.number, timedelta(seconds=own.last_until - now))
            if allowance is not None:
                span = (allowance.per + SLACK).total_seconds()
                while own.sent and own.sent[0] <= now - span:
                    own.sent.popleft()
                if len(own.sent) >= allowance.requests:
                    return Taken(own.number, timedelta(seconds=own.sent[0] + span - now))
                own.sent.append(now)
            own.number += 1
            return Taken(own.number)

    def ceiling(self, name: str, last: int, lasts: timedelta) -> None:
        with self._lock:
            own, now = self._of(name), self._clock.monotonic()
            stands = own.last is not None and now < own.last_until
            if not stands or own.last is None or last < own.last:
                own.last, own.last_until = last, now + lasts.total_seconds()

    def rest(self, name: str, lasts: timedelta) -> None:
        with self._lock:
            own = self._of(name)
            own.rests_until = max(own.rests_until, self._clock.monotonic() + lasts.total_seconds())

    def _of(self, name: str) -> _Own:
        return self._by_name.setdefault(name, _Own())
