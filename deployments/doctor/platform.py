"""What a platform is made of: its settings, streams, lake, buffer, event bus, Prefect server and blocks."""

from collections.abc import Callable, Iterator
from contextlib import closing

from datastream.catalog import Catalog, Stream, WebhookSpec
from datastream.connections import AlertsConfig, BufferConfig, EventBusConfig, LakeConfig
from datastream.errors import DatastreamError, Permanent
from datastream.settings import Settings
from deployments.doctor.finding import Finding, examined


class BufferUnnamed(Permanent):
    """Streams come by webhook, and nobody said where they wait."""


Look = tuple[str, Callable[[], str]]


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield what is found, as soon as it is."""
    for what, look in _looks(settings):
        yield examined(what, look)


def _looks(settings: Settings) -> Iterator[Look]:
    catalog = Catalog(settings.streams)
    yield "settings", lambda: f"The project is {settings.project}; its .env and the environment are read."
    for name in catalog.names():
        yield f"stream {name}", lambda name=name: _stream(settings, catalog.stream(name))  # type: ignore[misc]
    yield "lake", lambda: _lake(settings.lake)
    yield "buffer", lambda: _buffer(settings.buffer, catalog)
    yield "event bus", lambda: _events(settings.events)
    yield "alerts", lambda: _alerts(settings.alerts)
    yield from _prefect(settings, catalog)


def _stream(settings: Settings, stream: Stream) -> str:
    from datastream.quality import load_suite
    from datastream.transform import load_transform

    suite = load_suite(settings.expectations, stream.suite)
    load_transform(stream.transform)
    return f"It comes by {stream.source.kind} and has to meet {len(suite.rules)} expectations of {suite.name!r}."


def _lake(config: LakeConfig) -> str:
    from datastream.lake.lake import check

    if config.folder is not None and not config.folder.exists():
        return f"There is no {config.uri} yet; the first run makes it."
    return check(config)


def _buffer(config: BufferConfig | None, catalog: Catalog) -> str:
    from datastream.buffers.redis import open_buffer

    if config is None:
        posted = [stream.name for stream in _readable(catalog) if isinstance(stream.source, WebhookSpec)]
        if posted:
            raise BufferUnnamed(
                f"None is named, and {', '.join(posted)} comes by webhook. Set DATASTREAM_REDIS_URL, or start the "
                "local stack with `datastream up`."
            )
        return "None is named (DATASTREAM_REDIS_URL): runs hold no leases."
    with open_buffer(config) as buffer:
        return buffer.check()


def _events(config: EventBusConfig | None) -> str:
    from datastream.events.rabbitmq import RabbitBus

    if config is None:
        return "None is named (DATASTREAM_RABBITMQ_URL): the lake's log keeps what there is to announce."
    with closing(RabbitBus(config)) as bus:
        return bus.check()


def _alerts(config: AlertsConfig | None) -> str:
    from datastream.events.bus import open_alerts

    if config is None:
        return (
            "No receiver is named (DATASTREAM_ALERT_WEBHOOK_URL): incidents are told on the event bus and by Prefect."
        )
    with open_alerts(config) as bus:
        return bus.check() if bus else ""


def _prefect(settings: Settings, catalog: Catalog) -> Iterator[Look]:
    from deployments import prefect_api
    from deployments.doctor import posture, prefect

    yield "Prefect server", prefect_api.our_version
    yield "who may use it", posture.reach
    yield "results of runs", posture.serializer
    yield "secrets in deployments", posture.secrets_on_the_server
    yield "work pool", prefect.work_pool
    yield "warm starts", prefect.warm_starts
    yield "deployments", lambda: prefect.deployments(settings.project)
    for name in prefect.blocks_of(settings.project, _readable(catalog)):
        yield f"block {name}", lambda name=name: prefect.block(name)  # type: ignore[misc]


def _readable(catalog: Catalog) -> Iterator[Stream]:
    """Yield the streams whose files are in order; those of the others have been found already."""
    for name in catalog.names():
        try:
            yield catalog.stream(name)
        except DatastreamError:
            continue
