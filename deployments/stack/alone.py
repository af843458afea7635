"""One server by itself, for as long as a block lasts: for tests and benchmarks, started just as the stack starts it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from datastream.clock import SystemClock
from deployments.stack.ports import reserved
from deployments.stack.prefect_server import server_service
from deployments.stack.process import stop
from deployments.stack.rabbitmq_server import rabbitmq_service
from deployments.stack.service import Service
from deployments.stack.starter import Starter, silent
from deployments.stack.valkey_server import valkey_service

APART = 10_000  # keeps these clear of the well-known ports, which a stack may want


@contextmanager
def valkey(folder: Path) -> Iterator[str]:
    """Run a Valkey server on a free port with its data in `folder`, and yield its URL; the data outlive it."""
    with _running(valkey_service, folder, 6379) as service:
        yield service.address


@contextmanager
def rabbitmq(folder: Path) -> Iterator[str]:
    """Run a RabbitMQ server on a free port with its data in `folder`, and yield its URL; the data outlive it."""
    with _running(rabbitmq_service, folder, 5672) as service:
        yield service.address


@contextmanager
def prefect_server(folder: Path) -> Iterator[str]:
    """Run a Prefect server on a free port with its database in `folder`, and yield its API URL."""
    with _running(server_service, folder, 4200) as service:
        yield f"{service.address}/api"


@contextmanager
def _running(describe: Callable[[Path, Path, str, int], Service], folder: Path, port: int) -> Iterator[Service]:
    folder = folder.resolve()
    with reserved(port + APART) as free:
        service = describe(folder, folder / "server.log", f"alone@{folder}", free)
        records = Starter([service], {}, _forget, silent, SystemClock()).run()
    try:
        yield service
    finally:
        stop(records[service.name].process)


def _forget(_records: object) -> None:
    """Nobody has to find this server later: the block that started it stops it."""
