"""What a platform is made of: its settings, streams, lake, buffer, event bus, Prefect server and blocks."""

from collections.abc import Callable, Iterator

from datastream.catalog import Catalog, Stream
from datastream.connections import BufferConfig, EventBusConfig, LakeConfig
from datastream.errors import DatastreamError
from datastream.settings import Settings
from deployments.doctor.finding import Finding, examined

Look = tuple[str, Callable[[], str]]


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield what is found, as soon as it is."""
    for what, look in _looks(settings):
        yield examined(what, look)


def _looks(settings: Settings) -> Iterator[Look]:
    catalog = Catalog(settings.streams)
    yield "settings", lambda: f"They are read from the environment and {settings.project / '.env'}."
    for name in catalog.names():
        yield f"stream {name}", lambda name=name: _stream(settings, catalog.stream(name))  # type: ignore[misc]
    yield "lake", lambda: _lake(settings.lake)
    yield "buffer", lambda: _buffer(settings.buffer)
    yield "event bus", lambda: _events(settings.events)
    yield from _prefect(settings, catalog)


def _stream(settings: Settings, stream: Stream) -> str:
    from datastream.quality import load_suite
    from datastream.transform import load_transform

    suite = load_suite(settings.expectations, stream.suite)
    load_transform(stream.transform)
    return f"It comes by {stream.source.kind} and has to meet {len(suite.rules)} expectations of {suite.name!r}."


def _lake(config: LakeConfig) -> str:
    from datastream.lake.lake import check

    return check(config)


def _buffer(config: BufferConfig | None) -> str:
    from datastream.buffers.redis import open_buffer

    if config is None:
        return "None is named (DATASTREAM_REDIS_URL): no webhooks are taken, and runs hold no leases."
    with open_buffer(config) as buffer:
        return buffer.check()


def _events(config: EventBusConfig | None) -> str:
    from datastream.events.bus import open_event_bus

    if config is None:
        return "None is named (DATASTREAM_RABBITMQ_URL): the lake's log keeps what there is to announce."
    with open_event_bus(config) as bus:
        return bus.check()


def _prefect(settings: Settings, catalog: Catalog) -> Iterator[Look]:
    from deployments.doctor import prefect

    yield "Prefect server", prefect.server
    yield "work pool", prefect.work_pool
    yield "deployments", lambda: prefect.deployments(settings.project)
    for stream in _readable(catalog):
        block = stream.source.block
        if isinstance(block, str):
            yield f"block {block}", lambda stream=stream: prefect.block(stream)  # type: ignore[misc]


def _readable(catalog: Catalog) -> Iterator[Stream]:
    """Yield the streams whose files are in order; those of the others have been found already."""
    for name in catalog.names():
        try:
            yield catalog.stream(name)
        except DatastreamError:
            continue
