"""Makes a forked process the run: with the surroundings of the client that asked for it, and with nothing of others'.

Only here is a request read. A request that cannot be met exactly is refused, and the client starts cold.
"""

import atexit
import fcntl
import gc
import importlib
import io
import os
import random
import resource
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from deployments.warm import place, prefect_anew, request

Work = Callable[[], None]

_PATIENCE = 30.0  # seconds for a client to send what it has ready, also on a busy machine
_F_SETSIG = 10
_BUFFERED = (io.TextIOWrapper, io.BufferedRandom, io.BufferedWriter)  # in this order: each writes to the next


class Refused(Exception):
    """A run with these surroundings cannot be forked from here."""


def become(connection: socket.socket, work: Work) -> NoReturn:
    """Be the run that the other end asks for, and end as it does. The caller has forked, and is let go of."""
    connection.settimeout(_PATIENCE)
    try:
        message, descriptors = request.receive(connection, request.DESCRIPTORS)
        given = request.understood(message)
        lifeline = settle(given, descriptors)
        run = os.getpid()
        me = os.pidfd_open(run)
        request.send(connection, request.BEGUN + str(run).encode(), [me])
        os.close(me)
    except (Refused, OSError) as why:
        with suppress(OSError):
            request.send(connection, str(why).encode(), [])
        os._exit(0)
    except request.Broken:  # nobody waits for it
        os._exit(0)
    connection.settimeout(None)
    forget_the_parent(given[-1])
    code = ended(work)
    if os.getpid() == run:  # and no fork of it, which comes here too and may not speak for it
        with suppress(OSError):  # also if the run has closed all that it found open
            leave(lifeline)
            request.send(connection, str(code).encode(), [])
    os._exit(code)


def settle(given: request.Surroundings, descriptors: list[int]) -> int:
    """Take over the surroundings, and die with the client from now on; return what tells of its death."""
    identity, umask, nice, limits, environment = given
    if len(descriptors) != request.DESCRIPTORS:
        raise request.Broken
    if identity != place.identity():
        raise Refused("the worker has another Python, user or view of this machine than the warm parent")
    others = place.read_at_start(environment).items() ^ place.read_at_start(dict(os.environb)).items()
    if others:
        names = ", ".join(sorted({os.fsdecode(name) for name, _ in others}))
        raise Refused(f"{names} is read when a process starts, and differs from what the warm parent was started with")
    os.setsid()
    *streams, folder, lifeline = descriptors
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.fchdir(folder)
    os.close(folder)
    os.umask(umask)
    try:
        os.setpriority(os.PRIO_PROCESS, 0, nice)
        for number, soft, hard in limits:
            if resource.getrlimit(number) != (soft, hard):
                resource.setrlimit(number, (soft, hard))
    except (OSError, ValueError) as error:
        raise Refused(f"the warm parent is more limited than the worker ({error})") from error
    die_with(lifeline)
    return lifeline


def die_with(lifeline: int) -> None:
    """Have the kernel kill this process and its group when the pipe breaks, which needs no thread and no parent."""
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgid(0))
    fcntl.fcntl(lifeline, _F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    broken = select.poll()
    broken.register(lifeline, select.POLLIN)
    if broken.poll(0):  # before the kernel looked
        raise request.Broken


def leave(lifeline: int) -> None:
    """Let what the run leaves behind live on."""
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) & ~os.O_ASYNC)


def forget_the_parent(environment: dict[bytes, bytes]) -> None:
    """Have this process know what it would if it had been started with this environment."""
    os.environb.clear()
    os.environb.update(environment)
    time.tzset()
    unbuffered = bool(environment.get(b"PYTHONUNBUFFERED"))
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        old = getattr(sys, name)
        lines = 1 if name == "stderr" or os.isatty(number) else -1
        how = {"encoding": old.encoding, "errors": old.errors, "closefd": False, "buffering": lines}
        new = open(number, "w" if number else "r", **how)  # noqa: SIM115, PTH123 - open as long as the process lives
        if number and unbuffered:
            new.reconfigure(write_through=True)
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)
    sys.argv[1:] = []
    if not sys.flags.safe_path:
        sys.path[0] = os.getcwd()  # noqa: PTH109 - as `python -m` does
    importlib.invalidate_caches()
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if "prefect.main" in sys.modules:
        prefect_anew.read_anew()


def ended(work: Work) -> int:
    """Do the work and return its exit code, as the interpreter does; a KeyboardInterrupt ends it by that signal."""
    code, interrupted = 0, False
    try:
        work()
    except SystemExit as error:
        code = _code(error)
    except BaseException as error:  # noqa: BLE001 - it ends the process, as it would end any
        sys.excepthook(type(error), error, error.__traceback__)
        code, interrupted = 1, isinstance(error, KeyboardInterrupt)
    # What follows the end of a program, except that nothing is torn down: it would copy the parent's memory to do so.
    threading._shutdown()  # type: ignore[attr-defined] # noqa: SLF001 - waits for threads, and there is no other way
    atexit._run_exitfuncs()  # noqa: SLF001
    flush_files()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or 120
    if interrupted:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    return code & 0xFF


def flush_files() -> None:
    """Write what is left in files that nobody has closed, as taking the interpreter down would."""
    opened = [each for each in gc.get_objects() if type(each) in _BUFFERED]  # the parent's own are frozen, so not there
    for file in sorted(opened, key=lambda each: _BUFFERED.index(type(each))):
        with suppress(OSError, ValueError):
            file.flush()


def _code(error: SystemExit) -> int:
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    print(error.code, file=sys.stderr)  # noqa: T201 - as the interpreter does
    return 1
