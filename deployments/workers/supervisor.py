"""Keeps as many workers of a pool as its backlog asks for: looks, decides, begins, sends away, replaces.

It has one thread, because its workers are forked from it: Prefect, loaded once, is shared by all of them.
"""

import gc
import signal
import socket
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from types import FrameType

from datastream.clock import Clock
from datastream.errors import Permanent
from deployments.backlog import Backlog
from deployments.workers.crew import NOW, Crew, Member
from deployments.workers.metrics import Board, Door
from deployments.workers.policy import Scale, ScalingPolicy, scaled

LOOK_EVERY = timedelta(seconds=5)
Tell = Callable[[str], None]


class SupervisorRuns(Permanent):
    """Two of them would share the names of workers."""


class Supervisor:
    """One pool's workers on this machine. `look` tells of the backlog; `tell` is told each thing that happens."""

    def __init__(
        self,
        policy: ScalingPolicy,
        crew: Crew,
        look: Callable[[], Backlog],
        board: Board,
        clock: Clock,
        tell: Tell,
        look_every: timedelta = LOOK_EVERY,
    ) -> None:
        self._policy, self._crew, self._look, self._board = policy, crew, look, board
        self._clock, self._tell, self._look_every = clock, tell, look_every
        self._scale = Scale(policy.least)
        self._looks_at = clock.monotonic() + look_every.total_seconds()
        self._problem: str | None = None
        self._cut_off = 0

    def run(self, asked: "Asked", door: Door | None) -> bool:
        """Return when it was asked to end and no worker is left; tell whether all of their runs were finished."""
        heard = 0
        while True:
            self._reap()
            if asked.times:
                if heard < asked.times:
                    self._end(now=asked.times > 1)
                    heard = asked.times
                if not len(self._crew):
                    return not self._cut_off
            else:
                self._keep()
            self._wait(asked, door)

    def _keep(self) -> None:
        if self._clock.monotonic() >= self._looks_at:
            backlog = self._look()
            self._looks_at = self._clock.monotonic() + self._look_every.total_seconds()
            self._decide(backlog)
        self._became(self._crew.become(self._scale.workers))

    def _decide(self, backlog: Backlog) -> None:
        self._board.saw(backlog)
        if backlog.problem != self._problem:
            self._problem = backlog.problem
            stays = f"There stay {self._scale.workers} workers: " if backlog.runs is None else ""
            self._tell(f"{stays}{backlog.problem}" if backlog.problem else "All that is looked at answers again.")
        before = self._scale.workers
        self._scale = scaled(self._policy, self._scale, backlog.runs, self._clock.monotonic())
        if self._scale.workers != before:
            self._tell(
                f"{before} -> {self._scale.workers} workers: {backlog.waiting} runs wait, {backlog.under_way} are "
                f"under way, {backlog.lanes} lanes are due."
            )

    def _became(self, members: list[Member]) -> None:
        for member in members:
            self._board.changed("sent_away" if member.leaves else "begun")
            what = "takes no more runs, and leaves after those it has" if member.leaves else "begins"
            self._tell(f"{member.name} {what}.")

    def _reap(self) -> None:
        for member, code in self._crew.reap():
            if not member.leaves:
                self._board.changed("replaced")
                how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
                rest = self._crew.rest().total_seconds()
                self._tell(f"{member.name} has ended {how}, and is replaced" + (f" in {rest:.0f} s." if rest else "."))
            elif code:
                self._cut_off += 1
                self._tell(f"{member.name} has left, and cut off the runs that it had.")
            else:
                self._tell(f"{member.name} has left.")

    def _end(self, *, now: bool) -> None:
        self._crew.end(NOW if now else signal.SIGTERM)
        self._tell("Runs are cut off." if now else "No run is taken any more; those under way are waited for.")

    def _wait(self, asked: "Asked", door: Door | None) -> None:
        self._board.has(self._crew.counts(), self._scale.workers)
        rest = self._crew.rest().total_seconds()
        pause = max(min(self._looks_at - self._clock.monotonic(), rest or 60.0), 0.0)
        doors = [door.fileno()] if door else []
        ready = wait([*self._crew.sentinels(), asked.fileno(), *doors], None if asked.times else pause)
        if asked.fileno() in ready:
            asked.hear()
        if door and door.fileno() in ready:
            door.handle_request()


class Asked:
    """How often this process was asked to end, by SIGTERM, Ctrl-C or its terminal's end; it wakes who waits for it."""

    def __init__(self) -> None:
        self.times = 0
        self._here, self._there = socket.socketpair()
        for end in (self._here, self._there):
            end.setblocking(False)
        # Rung by the kernel's own handler: Python's would wait for us, if we are just about to wait.
        self._before = signal.set_wakeup_fd(self._there.fileno(), warn_on_full_buffer=False)

    def fileno(self) -> int:
        return self._here.fileno()

    def hear(self) -> None:
        """Take what woke us."""
        self._here.recv(64)

    def close(self) -> None:
        """Listen no more, here or in a process that was just forked."""
        signal.set_wakeup_fd(self._before)
        self._here.close()
        self._there.close()

    def again(self, _number: int, _frame: FrameType | None) -> None:
        """Be asked."""
        self.times += 1


@contextmanager
def asked_to_end() -> Iterator[Asked]:
    """Listen for as long as the block lasts."""
    asked = Asked()
    numbers = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it, for whom a terminal may go
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, asked.again) for number in numbers}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        asked.close()


@contextmanager
def alone(pool: str, host: str) -> Iterator[socket.socket]:
    """Keep every other supervisor of this server's pool away from this machine. Raises SupervisorRuns.

    The kernel lets go of the name when the last process that holds the socket ends, however that ends.
    """
    from prefect.settings import PREFECT_API_URL

    known = zlib.crc32(repr((PREFECT_API_URL.value(), pool, host)).encode())
    with socket.socket(socket.AF_UNIX) as held:
        try:
            held.bind(f"\0datastream-workers-{known:08x}")
        except OSError as error:
            raise SupervisorRuns(
                f"Workers of the pool {pool!r} are supervised on this machine already, and both would call theirs "
                f"{host}-1 and so on. Stop the other one, or start it anew with a greater --max."
            ) from error
        yield held


def supervise(
    pool: str,
    policy: ScalingPolicy,
    look: Callable[[], Backlog],
    address: tuple[str, int] | None,
    clock: Clock,
    tell: Tell,
    look_every: timedelta = LOOK_EVERY,
) -> bool:
    """Keep the workers of `pool` until SIGTERM; tell whether all of their runs were finished.

    Raises PortTaken and SupervisorRuns.
    """
    from multiprocessing import get_context

    from deployments.workers.worker import work

    board, host = Board(pool), socket.gethostname()
    gc.freeze()  # what is loaded by now stays shared: no collection of a worker touches it
    with ExitStack() as held:
        only = held.enter_context(alone(pool, host))
        door = held.enter_context(Door(address, board.text)) if address else None
        asked = held.enter_context(asked_to_end())
        ours, theirs = map(held.enter_context, socket.socketpair())

        def be(name: str) -> None:
            for inherited in (door.socket if door else None, asked, ours, only):
                if inherited:
                    inherited.close()  # or it would outlive us there
            work(pool, name, policy.runs_each, theirs)

        def begin(name: str) -> BaseProcess:
            process = get_context("fork").Process(target=be, args=(name,), name=name, daemon=True)
            process.start()
            return process

        crew = Crew(begin, host, policy.most, clock)
        return Supervisor(policy, crew, look, board, clock, tell, look_every).run(asked, door)
