"""What client and run say to each other: one request with the run's surroundings, and how it went. Light, too.

The parent takes part in none of it but the telling of a death: no variable of a run is ever in its memory.
"""

import os
import resource
import socket
import struct

# Standard input, output and error, the working directory, and the end of a pipe that breaks when the client dies.
DESCRIPTORS = 5
BEGUN = b"begun "  # and the pid of the run, which leads a process group
_LENGTH = 4
_CREDENTIALS = struct.Struct("iII")
_LIMITS = sorted({getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")})

Surroundings = tuple[str, int, int, list[tuple[int, int, int]], dict[bytes, bytes]]


class Broken(Exception):
    """The other side went away, or said something else."""


def surroundings(identity: str) -> bytes:
    """Return what a process that is started here would have, as one message."""
    umask = os.umask(0o077)
    os.umask(umask)
    limits = ",".join("{}:{}:{}".format(number, *resource.getrlimit(number)) for number in _LIMITS)
    said = [identity, str(umask), str(os.getpriority(os.PRIO_PROCESS, 0)), limits]
    variables = [name + b"=" + value for name, value in os.environb.items()]
    return b"\0".join([*(each.encode() for each in said), *variables])


def understood(message: bytes) -> Surroundings:
    """Return identity, umask, niceness, limits and variables. Raises Broken."""
    try:
        identity, umask, nice, limits, *variables = message.split(b"\0")
        each = [tuple(int(number) for number in limit.split(b":")) for limit in limits.split(b",")]
        found = [(number, soft, hard) for number, soft, hard in each]
        environment = dict(variable.split(b"=", 1) for variable in variables)
        return identity.decode(), int(umask), int(nice), found, environment
    except ValueError as error:
        raise Broken from error


def send(connection: socket.socket, message: bytes, descriptors: list[int]) -> None:
    """Send one message with descriptors."""
    socket.send_fds(connection, [len(message).to_bytes(_LENGTH)], descriptors)
    connection.sendall(message)


def receive(connection: socket.socket, descriptors: int) -> tuple[bytes, list[int]]:
    """Return one message and its descriptors. Raises Broken."""
    length, fds, _, _ = socket.recv_fds(connection, _LENGTH, descriptors)
    message = b""
    while len(length) == _LENGTH and len(message) < int.from_bytes(length):
        part = connection.recv(int.from_bytes(length) - len(message))
        if not part:
            break
        message += part
    if len(length) < _LENGTH or len(message) < int.from_bytes(length):
        for fd in fds:
            os.close(fd)
        raise Broken
    return message, fds


def peer(connection: socket.socket) -> tuple[int, int]:
    """Return pid and user of whoever is at the other end, as the kernel knows them."""
    pid, user, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return pid, user
