"""Asks the dependencies how they are: side by side, each with a timeout of its own, and no oftener than once a second.

A check that hangs is cut and named, and no second one is started beside it: a flood of questions costs one check.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from datastream.clock import Clock, SystemClock
from datastream.errors import DatastreamError
from datastream.gateway.aside import aside

_KEPT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Probe:
    """How to ask one dependency. `check` returns what it is, in a sentence, or raises an error of ours."""

    check: Callable[[], str]
    timeout: timedelta


@dataclass(frozen=True, slots=True)
class Finding:
    """What a dependency answered, and how long that took."""

    detail: str
    seconds: float
    error: DatastreamError | None = None
    cut: bool = False

    @property
    def ok(self) -> bool:
        """Tell whether it is as it should be."""
        return self.error is None and not self.cut


class Watched:
    """One dependency, and the latest that is known of it."""

    def __init__(self, probe: Probe, clock: Clock) -> None:
        self._probe = probe
        self._clock = clock
        self._asking: asyncio.Task[Finding] | None = None
        self._asked_at = 0.0

    async def ask(self) -> Finding:
        """Return how it is, after its timeout at the latest."""
        asking, timeout = self._ask(), self._probe.timeout.total_seconds()
        await asyncio.wait((asking,), timeout=timeout)
        if asking.done():
            return asking.result()
        return Finding(f"It did not answer within {timeout:g} s.", timeout, cut=True)

    async def hear(self) -> Finding:
        """Return how it is, however long that takes."""
        return await asyncio.shield(self._ask())

    def _ask(self) -> asyncio.Task[Finding]:
        now = self._clock.monotonic()
        fresh = now - self._asked_at < _KEPT.total_seconds()
        if self._asking is None or (self._asking.done() and not fresh):
            self._asked_at = now
            self._asking = asyncio.ensure_future(self._answer())
        return self._asking

    async def _answer(self) -> Finding:
        began = self._clock.monotonic()
        try:
            detail, error = await aside(self._probe.check), None
        except DatastreamError as problem:
            detail, error = str(problem), problem
        return Finding(detail, self._clock.monotonic() - began, error)


class Dependencies:
    """All of them, by name."""

    def __init__(self, probes: Mapping[str, Probe], clock: Clock | None = None) -> None:
        clock = clock or SystemClock()
        self._all = {name: Watched(probe, clock) for name, probe in probes.items()}

    def __getitem__(self, name: str) -> Watched:
        return self._all[name]

    async def ask(self) -> dict[str, Finding]:
        """Return how each of them is, after the longest timeout at the latest."""
        found = await asyncio.gather(*(watched.ask() for watched in self._all.values()))
        return dict(zip(self._all, found, strict=True))
