"""Runs the workers of a backfill on this machine, and shows how far all of its workers are, wherever they run."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from signal import Signals
from typing import IO, TYPE_CHECKING

from datastream.records import Accounts

if TYPE_CHECKING:
    from datastream.intake.backfills import Backfill
    from datastream.slices import Slices
    from deployments.watch import Shown

_LOOKED_AT_PER_WORKER = 4
"""So many of the oldest slices that are left are read at each look: more than one that fails may lie in front."""
_GRACE_SECONDS = 20
_LOOK_SECONDS, _LINE_SECONDS = 1.0, 10.0


@dataclass(frozen=True, slots=True)
class Far:
    """How far a backfill is: slices, and what became of the records."""

    slices: int
    done: int
    read: int
    loaded: int
    quarantined: int
    duplicates: int
    outside: int
    without_cursor: int

    @classmethod
    def of(cls, slices: "Slices") -> "Far":
        """Add up what was seen of the slices."""
        seen = slices.seen
        a = sum((one.accounts for one in seen), Accounts())
        return cls(
            len(slices), sum(one.done for one in seen), a.read, a.loaded, a.quarantined, a.duplicates,
            sum(one.outside for one in seen), sum(one.without_cursor for one in seen),
        )  # fmt: skip

    def said(self, begun: "Far", took: timedelta) -> str:
        """Return it for people, with the rate since `begun` and what time is left by it."""
        seconds = max(took.total_seconds(), 1e-9)
        rate, done = (self.read - begun.read) / seconds, self.done - begun.done
        left = timedelta(seconds=round(seconds * (self.slices - self.done) / done)) if done else None
        said = f"{self.done:,}/{self.slices:,} slices, {self.read:,} read, {self.loaded:,} loaded, {rate:,.0f}/s"
        return said + (f", {left} left" if left else "")

    def to_dict(self) -> dict[str, int]:
        """Return it for machines."""
        return asdict(self)


class Workers:
    """Processes that run the flow `backfill`. What they print is kept, and shown only of one that fails."""

    def __init__(self, stream: str, backfill: "Backfill", count: int) -> None:
        words = [stream, str(backfill.since), str(backfill.asked), *([backfill.every] if backfill.every else [])]
        self._held = ExitStack()
        self._said: list[IO[bytes]] = [self._file() for _ in range(count)]
        self._running = [
            # In sessions of their own: a terminal's Ctrl-C is for whoever watches, who then ends them.
            subprocess.Popen(
                [sys.executable, "-m", "flows.backfill", *words],
                stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True, env=os.environ,
            )
            for said in self._said
        ]  # fmt: skip
        self._told: set[int] = set()

    def alive(self) -> bool:
        """Tell whether any of them still runs."""
        return any(process.poll() is None for process in self._running)

    def problems(self) -> Iterator[str]:
        """Yield a sentence for each that has failed and was not told yet."""
        for number, process in enumerate(self._running, 1):
            code = process.poll()
            if code and number not in self._told:
                self._told.add(number)
                how = f"was ended by {Signals(-code).name}" if code < 0 else "failed"
                yield f"Worker {number} {how}: {self._last_line(number - 1)}".rstrip(": ")

    def stop(self) -> None:
        """Ask them to end, which gives their leases back, and insist after a while."""
        for process in self._running:
            process.terminate()
        deadline = time.monotonic() + _GRACE_SECONDS
        for process in self._running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._held.close()

    def _file(self) -> IO[bytes]:
        return self._held.enter_context(tempfile.TemporaryFile())

    def _last_line(self, at: int) -> str:
        said = self._said[at]
        said.seek(0)
        lines = [line.strip() for line in said.read().decode(errors="replace").splitlines() if line.strip()]
        return lines[-1] if lines else ""


@contextmanager
def workers_of(stream: str, backfill: "Backfill", count: int) -> Iterator[Workers]:
    """Start so many workers; none is left at the end."""
    workers = Workers(stream, backfill, count)
    try:
        yield workers
    finally:
        workers.stop()


def watch(slices: "Slices", workers: Workers, count: int, show: "Shown | None", tell: Callable[[str], None]) -> Far:
    """Show how far the backfill is until no worker of ours runs, and return how far it came. Failures are told."""
    began, begun, next_line = time.monotonic(), Far.of(slices), 0.0
    while True:
        running = workers.alive()
        slices.look(_LOOKED_AT_PER_WORKER * (count + 1))
        far, now = Far.of(slices), time.monotonic()
        if show is not None and (now >= next_line or not running):
            show(100.0 * far.done / far.slices, far.said(begun, timedelta(seconds=now - began)), "running")
            next_line = now + (_LOOK_SECONDS if sys.stdout.isatty() else _LINE_SECONDS)
        for problem in workers.problems():
            tell(problem)
        if not running:
            return far
        time.sleep(_LOOK_SECONDS)
