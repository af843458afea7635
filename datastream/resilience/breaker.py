"""Leaves a dependency alone that keeps failing: closed, open after so many failures in a row, half-open after a rest.

While it is open nothing is asked. When it has rested, one call of all threads and workers may probe: success closes
it, failure opens it for another full rest. A probe that never answers, because its process died, holds the place for
one rest. Times are the wall clock's, since workers share them: one that is ahead probes earlier by as much, and a
clock that was set back cannot keep a breaker open for longer than one rest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from datastream.clock import Clock
from datastream.errors import Transient
from datastream.resilience.states import BreakerState, BreakerStates

_LONGEST_REASON = 500
_RACES = 100
"""So often a change is tried anew because another worker was faster; then the breaker lets it be."""


class BreakerOpen(Transient):
    """A dependency has kept failing and is left alone for a while. Nothing was asked, and nobody need try again."""


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """After how many failures in a row a dependency is left alone, and for how long."""

    failures: int = 5
    rest: timedelta = timedelta(seconds=60)


DEFAULT = BreakerPolicy()
ENDPOINT = BreakerPolicy(failures=3, rest=timedelta(seconds=30))
"""For somebody else's API."""


class Breaker:
    """The breaker of one dependency. It is told what became of each call that it admitted."""

    def __init__(self, name: str, policy: BreakerPolicy, states: BreakerStates, clock: Clock) -> None:
        self.name, self._policy = name, policy
        self._states, self._clock = states, clock

    def admit(self) -> BreakerState | None:
        """Let a call begin, and return what was known then, to be given back with its outcome. Raises BreakerOpen.

        A state that is not closed means that this call is the probe.
        """
        for _ in range(_RACES):
            state, now = self._states.get(self.name), self._clock.now()
            if state is None or state.until is None:
                return state
            if timedelta() < state.until - now <= self._policy.rest:
                raise self._left_alone(state, state.until, now)
            if self._states.swap(self.name, state, replace(state, until=now + self._policy.rest)):
                return state
        return None

    def succeeded(self, known: BreakerState | None) -> None:
        """Count from zero again; a probe closes the breaker. What began when all was well changes nothing."""
        if known is not None:
            self._change(lambda state: state if _is_open(state) and not _is_open(known) else None)

    def failed(self, known: BreakerState | None, error: Transient) -> None:
        """Count a failure. A call that began before the breaker opened does not make its rest longer."""
        now, said = self._clock.now(), str(error)[:_LONGEST_REASON]

        def after(state: BreakerState | None) -> BreakerState | None:
            if _is_open(state) and not _is_open(known):
                return state
            state = state or BreakerState()
            state = replace(state, failures=state.failures + 1, error=said)
            if state.failures < self._policy.failures and not _is_open(state):
                return state
            return replace(state, since=state.since or now, until=now + self._policy.rest)

        self._change(after)

    def unclear(self, known: BreakerState | None) -> None:
        """Learn nothing from a call; if it was the probe, the next one may be made at once."""
        if _is_open(known):
            now = self._clock.now()
            self._change(lambda state: replace(state, until=now) if state is not None and _is_open(state) else state)

    def _change(self, change: Callable[[BreakerState | None], BreakerState | None]) -> None:
        for _ in range(_RACES):
            before = self._states.get(self.name)
            after = change(before)
            if after == before or self._states.swap(self.name, before, after):
                return

    def _left_alone(self, state: BreakerState, until: datetime, now: datetime) -> BreakerOpen:
        return BreakerOpen(
            f"{self.name} is left alone until {until:%H:%M:%S} UTC, because {state.failures} calls in a row have "
            f"failed and it has been so since {state.since:%Y-%m-%d %H:%M:%S} UTC. Nothing was asked now. "
            f"The last one said: {state.error}",
            retry_after=until - now,
            given_up=True,
        )


def _is_open(state: BreakerState | None) -> bool:
    return state is not None and state.until is not None
