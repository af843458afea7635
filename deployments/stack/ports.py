"""Chooses ports on 127.0.0.1, and tells who listens where.

A chosen port stays ours among all stacks of this machine until the block is left, though a server binds it much later.
"""

import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from datastream.errors import Transient

LOOPBACK = "127.0.0.1"
TRIES = 200
LISTENING = "0A"


class NoPortFree(Transient):
    """Every port that was tried is taken."""

    def __init__(self, first: int) -> None:
        super().__init__(f"No port from {first} to {first + TRIES - 1} is free on {LOOPBACK}. Stop what listens there.")


@contextmanager
def reserved(preferred: int) -> Iterator[int]:
    """Hold the first free port from `preferred` upwards."""
    for port in range(preferred, preferred + TRIES):
        with socket.socket(socket.AF_UNIX) as claim:
            if _claimed(claim, port) and _free(port):
                yield port
                return
    raise NoPortFree(preferred)


def _claimed(claim: socket.socket, port: int) -> bool:
    # A name in the abstract namespace belongs to one process and vanishes with it; a file would have to be cleaned up.
    with suppress(OSError):
        claim.bind(f"\0datastream-port-{port}")
        return True
    return False


def _free(port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((LOOPBACK, port))
        return True
    return False


def listeners(pids: Iterable[int]) -> set[tuple[str, int]]:
    """Say at which addresses and ports these processes accept TCP connections; a pid that has gone listens nowhere."""
    sockets = {inode for pid in pids for inode in _sockets(pid)}
    return {where for table in ("tcp", "tcp6") for inode, where in _listening(table) if inode in sockets}


def heard_at(port: int) -> set[str]:
    """Say at which addresses of this machine somebody accepts TCP connections to a port, whoever it is."""
    return {host for table in ("tcp", "tcp6") for _, (host, at) in _listening(table) if at == port}


def _sockets(pid: int) -> Iterator[str]:
    with suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                target = str(descriptor.readlink())
                if target.startswith("socket:["):
                    yield target[len("socket:[") : -1]


def _listening(table: str) -> Iterator[tuple[str, tuple[str, int]]]:
    with suppress(FileNotFoundError):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING:
                yield fields[9], _address(fields[1])


def _address(text: str) -> tuple[str, int]:
    host, port = text.split(":")
    words = struct.pack(f"={len(host) // 8}I", *(int(host[i : i + 8], 16) for i in range(0, len(host), 8)))
    family = socket.AF_INET if len(words) == len(b"IPv4") else socket.AF_INET6
    return socket.inet_ntop(family, words), int(port, 16)
