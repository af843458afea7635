"""The parent: waits for clients and forks a run for each. It reads nothing of what they send, so it knows no secrets.

It has one thread, so that nothing is missing in what it forks. When code changes that it has loaded, it becomes another
process with the same pid, which loads the new code; runs in progress stay its children. It may be killed: its runs go
on, and tell their clients themselves how they ended, except by which signal.
"""

import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import NoReturn

from datastream.errors import DatastreamError
from deployments.warm import preload, request, version
from deployments.warm.child import Work, become
from deployments.warm.door import Door

_LOOK_EVERY_MS = 2000
_GROWN = 1.2  # forking takes no memory, so what grows is broken
_BACKLOG = 4096  # who finds it full is turned away at once
_RUNS = "runs="


class Parent:
    """Serves at a door until it is told to stop or has to be renewed. `runs` are its children, each with its client."""

    def __init__(
        self, door: Door, work: Work, known: Mapping[str, version.Stamp], runs: dict[int, socket.socket]
    ) -> None:
        self._door, self._work, self._known, self._runs = door, work, known, runs
        self._own, self._looked, self._bytes = version.own(known), time.monotonic(), preload.held_bytes()
        self._stopped = False
        self._bell, bell = os.pipe()
        for fd in (self._bell, bell):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(bell, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    @property
    def runs(self) -> dict[int, socket.socket]:
        """Return the runs in progress."""
        return self._runs

    def serve(self) -> str | None:
        """Fork runs; return why this process has to be renewed, or None when it was told to stop."""
        waiting = select.poll()
        waiting.register(self._bell, select.POLLIN)
        waiting.register(self._door.listener, select.POLLIN)
        while not self._stopped:
            ready = {fd for fd, _ in waiting.poll(_LOOK_EVERY_MS)}
            if self._bell in ready:
                os.read(self._bell, 1 << 16)
            reap(self._runs)
            stale = self.stale()
            if self._door.listener.fileno() in ready:
                self._answer(stale)
            if stale:
                return stale
        return None

    def stale(self) -> str | None:
        """Say why this process is not fit to fork from, if it is not. All libraries are looked at every two seconds."""
        known: Mapping[str, version.Stamp] = self._own
        if time.monotonic() - self._looked > _LOOK_EVERY_MS / 1000:
            self._looked = time.monotonic()
            known = self._known
            if preload.held_bytes() > self._bytes * _GROWN:
                return f"the warm parent has grown to {preload.held_bytes() / 1e6:.0f} MB"
        file = version.changed(known)
        if file:
            return f"{file} has changed"
        if not self._door.stands():
            return "the socket has gone"
        try:
            preload.must_be_alone()
        except preload.NotAlone as error:
            return str(error)
        return None

    def _stop(self, *_: object) -> None:
        self._stopped = True

    def _answer(self, stale: str | None) -> None:
        try:
            connection, _ = self._door.listener.accept()
        except OSError:  # it went away
            return
        pid, user = request.peer(connection)
        if user != os.geteuid():
            say(f"Refused process {pid}: it belongs to user {user}.")
            connection.close()
        elif stale:
            with suppress(OSError):
                request.send(connection, f"{stale}, and the warm parent loads it now".encode(), [])
            connection.close()
        else:
            self._fork(connection)

    def _fork(self, connection: socket.socket) -> None:
        handled = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
        signal.pthread_sigmask(signal.SIG_BLOCK, handled)  # a signal to the parent is none to the run
        try:
            pid = os.fork()
        except OSError as error:  # too many processes, or too little memory
            with suppress(OSError):
                request.send(connection, f"the warm parent cannot fork ({error})".encode(), [])
            connection.close()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, handled)
            return
        if not pid:
            try:
                self._let_go(handled)
                become(connection, self._work)
            except BaseException as error:  # noqa: BLE001 - whatever happens, a forked process is never a parent
                sys.excepthook(type(error), error, error.__traceback__)
                os._exit(1)
        self._runs[pid] = connection
        signal.pthread_sigmask(signal.SIG_UNBLOCK, handled)

    def _let_go(self, handled: set[signal.Signals]) -> None:
        bell = signal.set_wakeup_fd(-1)
        for number in {*handled, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2}:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, handled)
        self._door.let_go()
        for fd in (bell, self._bell):
            os.close(fd)
        for other in self._runs.values():
            other.close()


def reap(runs: dict[int, socket.socket]) -> None:
    """Tell the clients of runs how they ended, which those that came to their end have told themselves."""
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            connection = runs.pop(pid, None)
            if connection is None:
                continue
            with suppress(OSError):  # its client may have gone, told by the run itself
                request.send(connection, str(os.waitstatus_to_exitcode(status)).encode(), [])
            connection.close()


def load(runs: dict[int, socket.socket], prepare: Callable[[], None]) -> dict[str, version.Stamp]:
    """Load all, and return what has been loaded. Code that cannot be is named, and waited for until it changes."""
    began = time.time()
    try:
        prepare()
        found = version.loaded()
        file = version.newer(found, began)
        if file:
            renew(runs, f"{file} has changed while it was loaded")
    except Exception as error:  # noqa: BLE001 - code that somebody is just writing may raise anything
        say(f"Runs start cold until the code changes, because it cannot be loaded: {type(error).__name__}: {error}")
        broken = {**version.loaded(), **version.blamed(error)}
        while not version.changed(broken) and not version.newer(broken, began):
            reap(runs)
            time.sleep(_LOOK_EVERY_MS / 1000)
        renew(runs, "the code has changed")
    gc.collect()
    gc.freeze()  # a collection would write to pages that all runs share
    return found


def renew(runs: dict[int, socket.socket], why: str) -> NoReturn:
    """Become a process that loads everything again, and stays the parent of the runs in progress."""
    say(f"Loading again: {why}.")
    for connection in runs.values():
        connection.set_inheritable(True)
    words = [word for word in sys.orig_argv[1:] if not word.startswith(_RUNS)]
    known = ",".join(f"{pid}:{connection.fileno()}" for pid, connection in runs.items())
    os.execv(sys.executable, [sys.executable, *words, _RUNS + known])  # noqa: S606 - it takes the place of this process


def adopted() -> dict[int, socket.socket]:
    """Return the runs that this process had begun before it was renewed."""
    known = next((word.removeprefix(_RUNS) for word in sys.argv if word.startswith(_RUNS)), "")
    found = (run.split(":") for run in known.split(",") if run)
    runs = {int(pid): socket.socket(fileno=int(fd)) for pid, fd in found}
    for connection in runs.values():
        connection.set_inheritable(False)
    return runs


def main(work: Work, prepare: Callable[[], None] = preload.preload) -> None:
    """Serve until stopped. Raises ParentRuns if another one does."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is left to be done while it loads
    preload.cleanly()
    began = time.monotonic()
    runs = adopted()
    with Door.locked() as door:
        known = load(runs, prepare)
        parent = Parent(door, work, known, runs)
        door.open(_BACKLOG)
        held = f"{len(sys.modules):,} modules, {preload.held_bytes() / 1e6:.0f} MB"
        say(f"Ready in {time.monotonic() - began:.1f} s: {held}.")
        why = parent.serve()
        door.close()
    if why is not None:
        renew(parent.runs, why)
    say(f"Stopped; {len(parent.runs)} runs go on.")
    os._exit(0)  # nothing is torn down that runs share


def say(sentence: str) -> None:
    """Tell whoever reads the parent's output. Logging is left as it was, for the runs to set up."""
    with suppress(OSError):  # a full disk or a closed terminal is no reason to end
        os.write(2, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC {sentence}\n".encode())


if __name__ == "__main__":
    from deployments.warm.engine import run

    try:
        main(run)
    except DatastreamError as error:
        sys.exit(f"datastream: {error}")
