"""The group writer: requests that arrive together share one append, made by the one thread that writes to the buffer.

While an append is on its way the next group gathers, so the busier the gateway, the larger the groups. A request waits
for its future and nothing else: one that is given up does not disturb the others of its group. What has waited too long
when its turn comes is given back unwritten, so that no queue gathers before a buffer that hangs.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from datastream.buffers import BufferAway, Delivery

Append = Callable[[str, Sequence[Delivery], timedelta], list[bool]]
"""`Buffer.append`, or a guard around it."""


@dataclass(frozen=True, slots=True)
class WriterPolicy:
    """How much goes into one append, and how long a delivery may wait for its turn."""

    deliveries: int = 256
    group_bytes: int = 4 * 1024 * 1024
    patience: timedelta = timedelta(seconds=1)


class _Waiting(NamedTuple):
    delivery: Delivery
    remembered: timedelta
    since: float
    new: asyncio.Future[bool]


class Writer:
    """Appends for everybody, one lane after the other. It bounds no memory: who waits holds what it was given."""

    def __init__(self, append: Append, policy: WriterPolicy | None = None) -> None:
        self._append = append
        self._policy = policy or WriterPolicy()
        self._lanes: dict[str, deque[_Waiting]] = {}
        self._thread = ThreadPoolExecutor(1, "writer")
        self._busy = False

    def append(self, lane: str, delivery: Delivery, remembered: timedelta) -> asyncio.Future[bool]:
        """Return the future of whether the delivery is new. It fails as `Buffer.append` does, which means: unknown."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(delivery, remembered, loop.time(), loop.create_future())
        self._lanes.setdefault(lane, deque()).append(waiting)
        if not self._busy:
            self._busy = True
            loop.call_soon(self._go_on, loop)  # and not at once: who is being served in this moment comes along
        return waiting.new

    def close(self) -> None:
        """Return once the append that is on its way has ended. What still waits has been given up."""
        self._lanes.clear()
        self._thread.shutdown()

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        oldest = loop.time() - self._policy.patience.total_seconds()
        while self._lanes:
            lane = next(iter(self._lanes))
            waiting = self._lanes.pop(lane)
            _give_back(waiting, oldest)
            group = self._take(waiting)
            if waiting:
                self._lanes[lane] = waiting  # behind the other lanes
            if group:
                deliveries = [each.delivery for each in group]
                writing = loop.run_in_executor(self._thread, self._append, lane, deliveries, group[0].remembered)
                writing.add_done_callback(partial(self._settle, loop, group))
                return
        self._busy = False

    def _take(self, waiting: deque[_Waiting]) -> list[_Waiting]:
        group: list[_Waiting] = []
        room = self._policy.group_bytes
        while waiting and len(group) < self._policy.deliveries:
            room -= len(waiting[0].delivery.body)
            if room < 0 and group:
                break
            group.append(waiting.popleft())
        return group

    def _settle(
        self, loop: asyncio.AbstractEventLoop, group: Sequence[_Waiting], written: asyncio.Future[list[bool]]
    ) -> None:
        if written.cancelled():
            return  # the process ends
        error = written.exception()
        for at, waiting in enumerate(group):
            if waiting.new.done():
                continue  # its request was given up
            if error:
                waiting.new.set_exception(error)
            else:
                waiting.new.set_result(written.result()[at])
        self._go_on(loop)


def _give_back(waiting: deque[_Waiting], oldest: float) -> None:
    """Fail those that came before `oldest`; they stand in the order in which they came."""
    while waiting and waiting[0].since < oldest:
        late = waiting.popleft()
        if not late.new.done():
            late.new.set_exception(BufferAway("The buffer is slow, and this post waited too long for its turn."))
