"""A Valkey that can be killed, halted and started again, and senders that keep account of what was accepted."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from datastream.clock import SystemClock
from deployments.stack.ports import reserved
from deployments.stack.process import Process, stop
from deployments.stack.starter import Starter, silent
from deployments.stack.valkey_server import valkey_service
from tests.gateway.serving import Sender, sender


@dataclass
class Valkey:
    """One server on one port, whatever becomes of its process."""

    folder: Path
    port: int
    process: Process | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        service = valkey_service(self.folder, self.folder / "valkey.log", f"valkey@{self.folder}", self.port)
        self.process = Starter([service], {}, lambda _records: None, silent, SystemClock()).run()["valkey"].process

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)


@contextmanager
def a_valkey(folder: Path) -> Iterator[Valkey]:
    with reserved(17_379) as port:
        server = Valkey(folder, port)
        server.start()
        try:
            yield server
        finally:
            server.signal(signal.SIGCONT)
            stop(server.process)


@dataclass
class Load:
    """What senders were answered. Only what was answered with 202 must be kept; the rest may be, once."""

    sent: set[str] = field(default_factory=set)
    accepted: set[str] = field(default_factory=set)
    answers: Counter[int] = field(default_factory=Counter)
    """By status; 0 where no answer came."""
    broken: int = 0
    """Connections that broke after a request was sent."""

    def lost(self, kept: list[str]) -> set[str]:
        return self.accepted - set(kept)

    def strange(self, kept: list[str]) -> list[str]:
        """Return what is kept twice, or was never sent."""
        return [name for name, times in Counter(kept).items() if times > 1 or name not in self.sent]


@contextmanager
def load(url: str, senders: int = 8) -> Iterator[Load]:
    """Post without a pause while the block lasts; what is not accepted is sent again with its id, as senders do."""
    made, ended = Load(), threading.Event()
    threads = [threading.Thread(target=_send, args=(url, f"sender-{n}", made, ended)) for n in range(senders)]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _send(url: str, own: str, made: Load, ended: threading.Event) -> None:
    number = 0
    with sender(url) as one:
        while not ended.is_set():
            name = f"{own}-{number}"
            made.sent.add(name)
            status = _status(one, name, made)
            made.answers[status] += 1
            if status == httpx.codes.ACCEPTED:
                made.accepted.add(name)
                number += 1
            else:
                ended.wait(0.02)


def _status(one: Sender, name: str, made: Load) -> int:
    try:
        return one.post(b'{"name":"%b"}' % name.encode(), name).status_code
    except httpx.ConnectError:
        return 0
    except httpx.TransportError:
        made.broken += 1
        return 0
