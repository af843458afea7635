"""The socket at which clients ask, in a folder that is the user's alone, and the lock that one parent has on it."""

import fcntl
import os
import socket
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from datastream.errors import Permanent
from deployments.warm import place, request

if TYPE_CHECKING:
    from collections.abc import Iterator

_OTHERS = 0o077


class FolderNotOurs(Permanent):
    """Somebody else made the folder of the sockets, or may write to it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder} is not a folder of this user alone (mode 700). Find out who made it, and remove it."
        )


class ParentRuns(Permanent):
    """There is a parent for this Python and code already."""

    def __init__(self, pid: str) -> None:
        super().__init__(f"A warm parent for this Python and code runs already (process {pid}). One is enough: use it.")


class Door:
    """Where clients come to: locked as soon as it is there, opened when there is somebody to answer."""

    def __init__(self, path: Path, lock: int) -> None:
        self._path, self._lock = path, lock
        self.listener = socket.socket(socket.AF_UNIX)
        self._inode = 0

    @classmethod
    @contextmanager
    def locked(cls) -> "Iterator[Door]":
        """Keep every other parent away, until this process ends or the block does. Raises ParentRuns."""
        path = Path(place.address(place.project()))
        path.parent.mkdir(mode=0o700, exist_ok=True)
        found = path.parent.lstat()
        if found.st_uid != os.geteuid() or found.st_mode & _OTHERS or path.parent.is_symlink():
            raise FolderNotOurs(path.parent)
        for left in path.parent.glob("*.lock"):
            with suppress(ParentRuns):
                _unlock(left, _lock(left))  # of a parent that was killed
        lock = _lock(path.with_suffix(".lock"))
        door = cls(path, lock)
        try:
            yield door
        finally:
            door.close()
            _unlock(path.with_suffix(".lock"), lock)

    def open(self, backlog: int) -> None:
        """Let clients in."""
        self._path.unlink(missing_ok=True)  # of somebody whose lock was tidied away
        before = os.umask(_OTHERS)
        try:
            self.listener.bind(str(self._path))
        finally:
            os.umask(before)
        self._inode = self._path.stat().st_ino
        self.listener.setblocking(False)
        self.listener.listen(backlog)

    def stands(self) -> bool:
        """Tell whether clients still find it: what lies in /tmp may be tidied away."""
        with suppress(FileNotFoundError):
            return self._path.stat().st_ino == self._inode
        return False

    def close(self) -> None:
        """Let nobody in any more; who waits is sent away, and starts cold."""
        if self.listener.fileno() >= 0:
            if self.stands():
                self._path.unlink(missing_ok=True)
            self.listener.close()

    def let_go(self) -> None:
        """Close what a forked process has of it."""
        self.listener.close()
        os.close(self._lock)


def who_answers(project: str) -> int | None:
    """Return the pid of the parent that lets clients in, if there is one."""
    with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
        connection.connect(place.address(project))
        return request.peer(connection)[0]
    return None


def _lock(file: Path) -> int:
    """Lock a file that goes away with the lock; forked processes do not hold it."""
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = os.read(descriptor, 20).decode()
            os.close(descriptor)
            raise ParentRuns(pid or "unknown") from None
        with suppress(FileNotFoundError):
            if os.fstat(descriptor).st_ino == file.stat().st_ino:
                os.ftruncate(descriptor, 0)
                os.write(descriptor, str(os.getpid()).encode())
                return descriptor
        os.close(descriptor)


def _unlock(file: Path, descriptor: int) -> None:
    """Remove the lock, and the socket that it stood for."""
    file.with_suffix(".sock").unlink(missing_ok=True)
    file.unlink(missing_ok=True)
    os.close(descriptor)
