"""Speaks to a server byte by byte, for what no client would send."""

import re
import socket
from contextlib import suppress
from datetime import UTC, datetime

from datastream.auth import sign
from tests.gateway.serving import KEY, STREAM, Sender

QUIET = 0.2


def dial(gateway: Sender) -> socket.socket:
    host, port = gateway.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def answers(gateway: Sender, sent: bytes) -> list[int]:
    """Send something, and return the status of each answer, until the server closes or has nothing more to say."""
    with dial(gateway) as connection:
        with suppress(OSError):
            connection.sendall(sent)
        connection.settimeout(QUIET)
        return statuses(heard(connection))


def heard(connection: socket.socket) -> bytes:
    """Return what comes until the other side closes, or the socket's timeout has passed without a word."""
    text = b""
    with suppress(OSError):
        while more := connection.recv(65_536):
            text += more
    return text


def statuses(text: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", text)]


def head(*lines: str, path: str = f"/webhooks/{STREAM}", method: str = "POST", host: str = "host: x") -> bytes:
    return "\r\n".join((f"{method} {path} HTTP/1.1", host, *lines, "", "")).encode()


def signatures(body: bytes, name: str) -> list[str]:
    return [f"{header}: {value}" for header, value in sign(KEY, name, datetime.now(UTC), body).items()]


def request(body: bytes, name: str, *more: str) -> bytes:
    return head(*signatures(body, name), f"content-length: {len(body)}", *more) + body
