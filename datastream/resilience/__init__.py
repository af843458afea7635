"""Patience with other machines: what fails in passing is tried again, what keeps failing is left alone for a while."""

from datastream.resilience.breaker import DEFAULT, ENDPOINT, Breaker, BreakerOpen, BreakerPolicy
from datastream.resilience.dependency import Dependency
from datastream.resilience.retry import RetryPolicy
from datastream.resilience.states import BreakerState, BreakerStates, MemoryStates

__all__ = [
    "DEFAULT",
    "ENDPOINT",
    "Breaker",
    "BreakerOpen",
    "BreakerPolicy",
    "BreakerState",
    "BreakerStates",
    "Dependency",
    "MemoryStates",
    "RetryPolicy",
]
