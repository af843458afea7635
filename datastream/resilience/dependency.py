"""The one way in which clients call other machines: tried again by the retry policy, left alone by the breaker.

A failure, for the breaker, is a call that failed in spite of its retries: a second in which the other side restarts
and eight threads fail at once is bridged by their retries, and opens nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from datastream.clock import Clock
from datastream.errors import Permanent, Transient
from datastream.resilience.breaker import Breaker, BreakerPolicy
from datastream.resilience.retry import RetryPolicy
from datastream.resilience.states import BreakerState, BreakerStates

T = TypeVar("T")


class Dependency:
    """Another machine, by the name under which its breaker is known. Safe to use from several threads."""

    def __init__(
        self, name: str, policy: BreakerPolicy, states: BreakerStates, clock: Clock, retry: RetryPolicy | None = None
    ) -> None:
        self.name = name
        self._breaker = Breaker(name, policy, states, clock)
        self._retry, self._clock = retry or RetryPolicy(), clock

    def call(self, action: Callable[[], T]) -> T:
        """Return what `action` returns, which may be called several times. Raises BreakerOpen, and what it raises.

        The breaker is asked before each attempt, so that no retry goes out after it has opened. A probe is one
        attempt. A Permanent error is an answer: the other side is alive. An error that somebody further in has given
        up on, or that is none of ours, says nothing of its health.
        """
        call = _Call(self._breaker)
        try:
            answer = self._retry.call(lambda: call.attempt(action), clock=self._clock)
        except BaseException as error:
            call.ended(error)
            raise
        call.ended(None)
        return answer


@dataclass(slots=True)
class _Call:
    """What the breaker has to be told of one call."""

    breaker: Breaker
    known: BreakerState | None = None
    failed: bool = False
    """Its last attempt failed by a fault of the other side."""

    def attempt(self, action: Callable[[], T]) -> T:
        self.known, self.failed = None, False
        self.known = self.breaker.admit()
        try:
            return action()
        except Transient as error:
            self.failed = not error.given_up
            if self.known is not None and self.known.until is not None:
                error.give_up()
            raise

    def ended(self, error: BaseException | None) -> None:
        if isinstance(error, Transient) and self.failed:
            self.breaker.failed(self.known, error)
        elif error is None or isinstance(error, Permanent):
            self.breaker.succeeded(self.known)
        else:
            self.breaker.unclear(self.known)
