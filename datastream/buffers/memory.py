"""A buffer that lives as long as its process, for unit tests. `restart` gives it a new epoch, `flush` empties it."""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from datastream.buffers.contract import Delivery, Entry, EpochChanged, Reach, position_order
from datastream.clock import Clock, SystemClock


class MemoryBuffer:
    """Lanes in memory."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._number = 0
        self.flush()

    def flush(self) -> None:
        """Lose everything."""
        self._entries: dict[str, list[tuple[tuple[int, int], Delivery]]] = defaultdict(list)
        self._added: dict[str, int] = defaultdict(int)
        self._seen: dict[tuple[str, str], datetime] = {}
        self.restart()

    def restart(self) -> None:
        """Begin a new epoch with what is there."""
        self._epoch = secrets.token_hex(8)

    def append(self, lane: str, deliveries: Sequence[Delivery], remembered: timedelta) -> list[bool]:
        return [self._append(lane, delivery, remembered) for delivery in deliveries]

    def _append(self, lane: str, delivery: Delivery, remembered: timedelta) -> bool:
        now = self._clock.now()
        stream = lane.partition(":")[0]
        if self._seen.get((stream, delivery.id), now) > now:
            return False
        self._number += 1
        self._added[lane] += 1
        self._entries[lane].append(((int(now.timestamp() * 1000), self._number), delivery))
        self._seen[stream, delivery.id] = now + remembered
        return True

    def reach(self, lane: str) -> Reach:
        last = self._entries[lane][-1][0] if self._entries[lane] else (0, 0)
        return Reach(self._epoch, _text(last), len(self._entries[lane]), self._added[lane])

    def read(self, lane: str, epoch: str, after: str, count: int) -> list[Entry]:
        if epoch != self._epoch:
            raise EpochChanged(f"{lane} was emptied or restarted while it was read. Read it from its beginning.")
        found = [(at, delivery) for at, delivery in self._entries[lane] if at > position_order(after)]
        return [Entry(_text(at), delivery) for at, delivery in found[:count]]

    def trim(self, lane: str, epoch: str, upto: str) -> None:
        if epoch == self._epoch:
            self._entries[lane] = [entry for entry in self._entries[lane] if entry[0] > position_order(upto)]

    def depth(self, lane: str) -> int:
        return len(self._entries[lane])

    def check(self) -> str:
        return "The buffer is this process's memory, and ends with it."


def _text(position: tuple[int, int]) -> str:
    return f"{position[0]}-{position[1]}"
