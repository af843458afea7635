"""`datastream metrics`: tells Prometheus of streams until it is stopped. Here its parts are chosen and joined."""

import logging
import signal
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from datastream.errors import Permanent
from deployments.cli.project import settings_with_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from datastream.buffers import Buffer
    from datastream.catalog import Catalog, Stream
    from datastream.clock import Clock
    from datastream.lake.store import Store
    from datastream.resilience import BreakerState
    from datastream.settings import Settings
    from deployments.figures import Figures, Part


class CannotServe(Permanent):
    """The address cannot be listened on."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8392, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
def metrics(host: str, port: int) -> None:
    """Tell Prometheus how each stream stands, until stopped: GET /metrics.

    One such process is enough. Each scrape reads lake, buffer and broker; the gateway's own metrics are the gateway's.
    """
    from prometheus_client import CollectorRegistry, start_http_server

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with ExitStack() as opened:
        registry = CollectorRegistry()
        registry.register(_figures(settings_with_stack(), opened))
        try:
            server, thread = start_http_server(port, host, registry)
        except OSError as error:
            raise CannotServe(
                f"Port {port} of {host} cannot be listened on: {error.strerror}. Choose another --port or --host."
            ) from error
        click.echo(f"Metrics at http://{host}:{server.server_port}/metrics")
        stopped.wait()
        server.shutdown()
        server.server_close()
        thread.join()


def _figures(found: "Settings", opened: ExitStack) -> "Figures":
    from datastream.buffers.breakers import breaker_states
    from datastream.buffers.redis import open_buffer
    from datastream.catalog import Catalog
    from datastream.clock import SystemClock
    from deployments.figures import Figures, breakers
    from deployments.standing import standings_of

    catalog, clock, store = Catalog(found.streams), SystemClock(), _kept_store(found)
    buffer = opened.enter_context(open_buffer(found.buffer)) if found.buffer else None
    parts = {**_certificates(catalog, clock), **_queues(found, opened)}
    if buffer is not None:
        states = opened.enter_context(breaker_states(found.buffer))
        parts["redis"] = breakers(lambda: _checked(buffer, states.all), clock)
    return Figures(catalog, lambda: standings_of(catalog, store, lambda: buffer, clock), store, parts)


def _certificates(catalog: "Catalog", clock: "Clock") -> "dict[str, Part]":
    """Return what tells of certificates, where a Prefect server is named: one asked without would be started here."""
    from prefect.settings import PREFECT_API_URL

    from deployments.figures import certificates

    return {"prefect": certificates(catalog, _end_of, clock)} if PREFECT_API_URL.value() else {}


def _queues(found: "Settings", opened: ExitStack) -> "Mapping[str, Part]":
    if found.events is None:
        return {}
    from datastream.events.rabbitmq import RabbitBus
    from deployments.figures import queues

    bus = RabbitBus(found.events)
    opened.callback(bus.close)
    return {"rabbitmq": queues(bus.depths)}


def _kept_store(found: "Settings") -> "Callable[[], Store | None]":
    """Return what opens the lake once; while there is none yet, the next scrape looks again."""
    from deployments.standing import store_of

    opened: list[Store] = []

    def store() -> "Store | None":
        if not opened and (there := store_of(found)):
            opened.append(there)
        return opened[0] if opened else None

    return store


def _checked(buffer: "Buffer", states: "Callable[[], Mapping[str, BreakerState]]") -> "Mapping[str, BreakerState]":
    """Ask for breakers once the buffer is known to answer: without it they would be this process' own, and none."""
    buffer.check()
    return states()


def _end_of(stream: "Stream") -> "datetime | None":
    """Return when the certificate ends that a stream's API is shown, if there is one."""
    from datastream.auth import ends_at
    from datastream.catalog import ApiSpec

    if not isinstance(stream.source, ApiSpec) or not isinstance(stream.source.block, str):
        return None
    from blocks.api_source import api_of

    certificate = api_of(stream).client_certificate
    return ends_at(certificate) if certificate else None
