"""The process that a worker starts and signals in place of the run: it passes all on, and ends as the run does.

It lives in the worker's process tree with next to nothing loaded. Killed, it takes the run along: the kernel does that
by a pipe (`child`). A run that was begun is never begun again: only before that there is a cold start.
"""

import os
import select
import signal
import socket
import sys
from contextlib import suppress

from deployments.warm import place, request

_PATIENCE = 30.0  # seconds until a run has begun, also on a busy machine, where a cold start would take minutes
_FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


class StartCold(Exception):
    """No run can be had from a parent, for the reason that this says."""


def main() -> None:
    """Have the flow run of this environment run, warm or cold, and end with its exit code or by its signal."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _FORWARDED)  # what comes before the run has begun waits for it
    try:
        connection, run, group, parent = begun()
    except StartCold as why:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
        cold(str(why))
    for number in _FORWARDED:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda number, _frame: forward(run, group, number))
    rung = bell()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
    end(outcome(connection, run, parent, rung))


def begun() -> tuple[socket.socket, int, int, int]:
    """Return the connection to a run that has begun, its process, its process group, and the parent's process."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_PATIENCE)
    try:
        try:
            connection.connect(place.address(place.project()))
        except (FileNotFoundError, ConnectionRefusedError):
            connection.connect(place.address())
        pid, user = request.peer(connection)
        if user != os.geteuid():
            raise StartCold(f"a socket in {place.folder()} belongs to another user")
        parent = os.pidfd_open(pid)
        ask(connection)
        said, fds = request.receive(connection, 1)
    except (FileNotFoundError, ConnectionRefusedError, ProcessLookupError) as error:
        raise StartCold("no warm parent runs here; `datastream warm` is one") from error
    except TimeoutError as error:
        raise StartCold(f"the warm parent did not answer within {_PATIENCE:.0f} s") from error
    except (OSError, request.Broken) as error:
        raise StartCold(f"the warm parent went away ({error or 'it said nothing'})") from error
    if not said.startswith(request.BEGUN):
        killed = said.removeprefix(b"-").isdigit()  # the parent tells how the process ended that was to be the run
        raise StartCold("it ended before it had begun" if killed else said.decode())
    if not fds:
        sys.exit("datastream: The limit of open files is too low to watch a run that has begun. Raise it: `ulimit -n`.")
    connection.settimeout(None)
    return connection, fds[0], int(said.removeprefix(request.BEGUN)), parent


def ask(connection: socket.socket) -> None:
    """Send the request. A parent that cannot serve it has answered by now, and need not have read it."""
    with suppress(ConnectionError):
        request.send(connection, request.surroundings(place.identity()), [0, 1, 2, os.open(".", os.O_PATH), lifeline()])


def lifeline() -> int:
    """Return the end of a pipe that breaks when this process ends, however it does."""
    reading, _writing = os.pipe()
    return reading


def forward(run: int, group: int, number: int) -> None:
    """Send a signal on to the run, if there still is one; SIGTERM to all that it has started, as a worker does."""
    with suppress(ProcessLookupError):
        if number != signal.SIGTERM:
            signal.pidfd_send_signal(run, number)
            return
        signal.pidfd_send_signal(run, 0)  # else the group may be another's by now
        os.killpg(group, number)


def bell() -> int:
    """Return the end of a pipe that every signal writes to: one that comes just before we wait interrupts nothing."""
    reading, writing = os.pipe()
    for descriptor in (reading, writing):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    return reading


def outcome(connection: socket.socket, run: int, parent: int, rung: int) -> int:
    """Return the run's exit code, or minus the signal it died of.

    The run tells its code itself, as the last thing it does; any other end is told by the parent, if that lives.
    """
    waiting = select.poll()
    waiting.register(connection, select.POLLIN)
    waiting.register(run, select.POLLIN)
    waiting.register(rung, select.POLLIN)
    while True:
        ready = {fd for fd, _ in waiting.poll()}
        if rung in ready:  # its handler has been called by now
            os.read(rung, 1 << 10)
        if connection.fileno() in ready:
            try:
                return int(request.receive(connection, 0)[0])
            except (OSError, request.Broken):
                break
        if run in ready:  # whoever tells of it, tells it now
            waiting.unregister(run)
            waiting.register(parent, select.POLLIN)
        if parent in ready:
            break
    os.write(2, b"datastream: The run was killed after its warm parent, so nobody knows by what.\n")
    return -signal.SIGKILL


def end(code: int) -> None:
    """End this process with a code, or by a signal."""
    if code < 0:
        if -code not in {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(-code, signal.SIG_DFL)
        no_core()
        os.kill(os.getpid(), -code)
    os._exit(code if code >= 0 else 128 - code)


def no_core() -> None:
    """Leave it to the run to dump its memory: that of this process says nothing."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def cold(why: str) -> None:
    """Become a run that loads everything itself; it says why."""
    engine = os.path.join(os.path.dirname(__file__), "engine.py")  # noqa: PTH118, PTH120 - pathlib is slow to import
    os.execv(sys.executable, [sys.executable, engine, why])  # noqa: S606 - it takes the place of this process
