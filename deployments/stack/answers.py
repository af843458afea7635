"""How each kind of service shows that it works, asked with the standard library and for a few seconds at most."""

import json
import socket
from datetime import datetime
from pathlib import Path
from typing import Any

from deployments.stack.ports import LOOPBACK
from deployments.stack.process import Process

SECONDS = 3.0


def http(port: int, path: str) -> bool:
    """Tell whether GET `path` is answered with 200."""
    return ask(port, "GET", path, None)[0] == 200  # noqa: PLR2004 - HTTP's own number


def valkey(port: int) -> bool:
    """Tell whether PING is answered; a server that still reads its file says LOADING instead."""
    return _said(port, b"PING\r\n").startswith(b"+PONG")


def amqp(port: int) -> bool:
    """Tell whether a broker opens the conversation; for another AMQP it would send its own header."""
    return _said(port, b"AMQP\x00\x00\x09\x01").startswith(b"\x01")


def workers(port: int, pool: str, process: Process) -> bool:
    """Tell whether the Prefect server has heard from one of this machine's workers since this process was started."""
    _, there = ask(port, "POST", f"/api/work_pools/{pool}/workers/filter", {})
    return any(
        found["name"].startswith(f"{socket.gethostname()}-")
        and found["status"] == "ONLINE"
        and datetime.fromisoformat(found["last_heartbeat_time"]) >= process.started
        for found in there or []
    )


def said(log: Path, words: str) -> bool:
    """Tell whether a process that answers nobody has said something since its latest start."""
    return words in log.read_text(errors="replace").rpartition("\n--- ")[2]


def _said(port: int, greeting: bytes) -> bytes:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=SECONDS) as connection:
            connection.sendall(greeting)
            return connection.recv(64)
    except OSError:
        return b""


def ask(port: int, method: str, path: str, body: Any) -> tuple[int, Any]:
    """Return the status of an answer, and its JSON if it is 200; 0 where there is no answer."""
    from http.client import HTTPConnection, HTTPException

    connection = HTTPConnection(LOOPBACK, port, timeout=SECONDS)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        status, said = answer.status, answer.read()
        return status, json.loads(said) if status == 200 else None  # noqa: PLR2004 - HTTP's own number
    except (OSError, HTTPException, ValueError):
        return 0, None
    finally:
        connection.close()
