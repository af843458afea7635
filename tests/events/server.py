"""A broker of a test's own, which can be killed."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from datastream.clock import SystemClock
from deployments.stack.ports import reserved
from deployments.stack.process import Process, family, stop
from deployments.stack.rabbitmq_server import rabbitmq_service
from deployments.stack.starter import Starter, silent

_FIRST_PORT = 25_672


class Server:
    """A RabbitMQ whose data outlive its kill."""

    def __init__(self, folder: Path, port: int) -> None:
        self._service = rabbitmq_service(folder, folder / "server.log", f"rabbitmq@{folder}", port)
        self._process = Process.unknown(self._service.mark)
        self.url = self._service.address

    def start(self) -> None:
        """Start it, and return when it answers."""
        records = Starter([self._service], {}, lambda _: None, silent, SystemClock()).run()
        self._process = records[self._service.name].process

    def kill(self) -> None:
        """End every process of it as a power cut would."""
        for pid in family(self._process):
            with suppress(ProcessLookupError):  # a helper ends with the server that started it
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """Leave nothing of it running."""
        stop(self._process)


@contextmanager
def a_server(folder: Path) -> Iterator[Server]:
    """Hold a port for a server for a while, also while it is dead; whoever wants it starts it."""
    with reserved(_FIRST_PORT) as port:
        server = Server(folder, port)
        try:
            yield server
        finally:
            server.stop()
