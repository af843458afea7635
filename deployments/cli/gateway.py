"""`datastream gateway`: takes webhooks into the buffer, until it is stopped. Here its parts are chosen and joined."""

import errno
import ipaddress
import logging
import socket
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from datastream.errors import DatastreamError, Permanent
from deployments.cli.project import settings_with_stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from datastream.catalog import Catalog, Stream
    from datastream.connections import WebhookConfig
    from datastream.gateway.page import NoPage, Page
    from datastream.lake.store import Store
    from datastream.settings import Settings


_BROKER_ANSWERS = timedelta(seconds=2)


class GatewayCannotStart(Permanent):
    """Something that the gateway cannot be without is missing."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8391, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--without-streams", is_flag=True, help="Start also before a webhook stream is described.")
@click.option("--quality-for-all", is_flag=True, help="Show /quality to whoever reaches the gateway.")
def gateway(host: str, port: int, without_streams: bool, quality_for_all: bool) -> None:
    """Take webhooks until stopped: POST /webhooks/STREAM.

    It answers /health/live, /health/ready, /metrics and, to this machine, /quality as well. Streams and secrets are
    read again every 30 s.
    """
    from datastream.buffers.redis import open_buffer
    from datastream.catalog import Catalog
    from datastream.events.bus import open_event_bus
    from datastream.gateway import Gateway
    from datastream.gateway.keyring import Keyring
    from datastream.gateway.probes import Probe
    from datastream.gateway.server import Server

    found = settings_with_stack()
    if found.buffer is None:
        raise GatewayCannotStart(
            "DATASTREAM_REDIS_URL is not set, and posts are kept there. Set it, or run `datastream up`."
        )
    catalog = Catalog(found.streams)
    streams = _webhook_streams(catalog)
    if not streams and not without_streams:
        raise GatewayCannotStart(
            f"{found.streams} describes no webhook stream. Write one, with source.kind webhook, or use "
            "--without-streams."
        )
    with _listening(host, port) as listener, open_buffer(found.buffer) as buffer, open_event_bus(found.events) as bus:
        _tell(host, listener.getsockname()[1], streams)
        others = {"rabbitmq": Probe(bus.check, _BROKER_ANSWERS)} if bus else {}
        with suppress(KeyboardInterrupt):
            page = _quality_page(found, host, for_all=quality_for_all)
            Server(Gateway(buffer, Keyring(catalog, _secrets_of), others, page=page)).run([listener])


def _quality_page(found: "Settings", host: str, *, for_all: bool) -> "Page | NoPage":
    """Return what is served at /quality. Nobody can log in yet, so only this machine sees it unless it is for all."""
    from datastream.gateway.page import NoPage, Page

    if not for_all and not _is_loopback(host):
        return NoPage(
            f"The quality page is not shown, because this gateway listens on {host} and nobody can log in yet. Start "
            "it with --quality-for-all, or read the page on the lake: datastream quality report"
        )
    return Page(_page_reader(found), for_all=for_all)


def _page_reader(found: "Settings") -> "Callable[[], bytes | None]":
    """Return what reads the page. The lake is opened when it is first asked for: posts do not need it."""
    opened: list[Store] = []

    def read() -> bytes | None:
        from datastream.lake.lake import open_lake
        from datastream.report.reading import read as page_of

        lake = found.lake
        if lake.folder is not None and not lake.folder.exists():
            return None
        if not opened:
            opened.append(open_lake(lake))
        return page_of(opened[0])

    return read


def _secrets_of(stream: "Stream") -> "WebhookConfig":
    from datastream.connections import WebhookConfig

    if isinstance(stream.source.block, WebhookConfig):
        return stream.source.block
    from blocks.webhook_source import webhook_of

    return webhook_of(stream)


def _webhook_streams(catalog: "Catalog") -> list[str]:
    """Return the names of the webhook streams. A file that is wrong is told, and holds up no other stream."""
    from datastream.catalog import WebhookSpec

    found = []
    for name in catalog.names():
        try:
            if isinstance(catalog.stream(name).source, WebhookSpec):
                found.append(name)
        except DatastreamError as error:
            click.echo(f"datastream: {error}", err=True)
    return found


def _listening(host: str, port: int) -> socket.socket:
    """Listen, before anything else is tried, so that a taken port is told at once."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        what = "is taken" if taken else f"cannot be listened on: {error.strerror}"
        raise GatewayCannotStart(f"Port {port} of {host} {what}. Choose another --port or --host.") from error


def _tell(host: str, port: int, streams: list[str]) -> None:
    from datastream.gateway.problem import FewLines

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    refused = logging.getLogger("datastream.gateway.problem")
    refused.setLevel(logging.INFO)
    refused.addFilter(FewLines())
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    click.echo(f"Taking webhooks at {address}")
    for stream in streams:
        click.echo(f"  POST {address}/webhooks/{stream}")
    if not _is_loopback(host):
        click.echo("Whoever reaches this machine can post: put TLS and limits in front of it (nginx, an ingress).")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
