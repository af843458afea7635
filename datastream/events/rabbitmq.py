"""An event bus on RabbitMQ: every event is confirmed by the broker, and kept by it on disk.

One connection, kept from publish to publish. After any failure it is dropped, and the next use dials anew and declares
the topology again. Threads may share a bus; they take turns. No answer is waited for longer than twice the timeout.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from datastream.connections import EventBusConfig
from datastream.errors import DatastreamError
from datastream.events.contract import BrokerAway, BrokerBlocked, BrokerUnusable, EventRefused
from datastream.events.event import CONTENT_TYPE, Event
from datastream.events.topology import EVENTS, TOPOLOGY, Topology, declare, refusals_of

if TYPE_CHECKING:
    from pika import BasicProperties, BlockingConnection, URLParameters
    from pika.adapters.blocking_connection import BlockingChannel

_APP = "datastream"


class RabbitBus:
    """Publishes to the exchange `stream.events`. It dials when it is first used."""

    def __init__(self, config: EventBusConfig, topology: Topology = TOPOLOGY) -> None:
        self._parameters, self._topology = _parameters(config), topology
        self._where = f"RabbitMQ at {self._parameters.host}:{self._parameters.port}, {self._parameters.virtual_host!r}"
        self._silence = 2 * config.timeout.total_seconds()  # a blocked connection is told after one timeout
        self._lock = threading.Lock()  # a channel of pika's that two threads use breaks
        self._connection: BlockingConnection | None = None
        self._channel: BlockingChannel | None = None
        _quieten()

    def publish(self, events: Sequence[Event]) -> None:
        if not events:
            return
        with self._open() as channel:
            for event in events:
                with self._answered(), refusals_of(f"events on {EVENTS!r}"):
                    channel.basic_publish(EVENTS, event.routing_key, event.encoded, _properties(event), mandatory=True)

    def check(self) -> str:
        with self._open() as channel, self._answered():
            declare(channel, self._topology)
        return f"{self._where} takes events."

    def depths(self) -> dict[str, int]:
        """Return how many messages wait in each queue of the topology. Raises as `check` does."""
        with self._open() as channel, self._answered():
            return {
                queue.name: channel.queue_declare(queue.name, passive=True).method.message_count
                for queue in self._topology.queues
            }

    def close(self) -> None:
        with self._lock:
            self._drop()

    @contextmanager
    def _open(self) -> Iterator["BlockingChannel"]:
        """Lend the channel, and drop it with its connection after any failure."""
        with self._lock, _sentences(self._where):
            try:
                yield self._kept() or self._dial()
            except BaseException:
                self._drop()
                raise

    def _kept(self) -> "BlockingChannel | None":
        """Return the channel of the last use, unless the broker closed it meanwhile, as it does with idle ones."""
        from pika.exceptions import AMQPError

        if self._connection is None:
            return None
        try:
            with self._answered():
                self._connection.process_data_events()
        except AMQPError:
            self._drop()
        return self._channel

    def _dial(self) -> "BlockingChannel":
        from pika import BlockingConnection
        from pika.exceptions import ProbableAccessDeniedError, ProbableAuthenticationError

        try:
            self._connection = BlockingConnection(self._parameters)
        except (ProbableAccessDeniedError, ProbableAuthenticationError):
            # A broker that dies while it greets looks like one that refuses us: the second answer counts.
            self._connection = BlockingConnection(self._parameters)
        with self._answered():
            channel = self._connection.channel()
            channel.confirm_delivery()
            declare(channel, self._topology)
        self._channel = channel
        return channel

    def _drop(self) -> None:
        from pika.exceptions import AMQPError

        connection = self._connection
        if connection is not None and connection.is_open:
            with suppress(AMQPError, BrokerAway), self._answered():
                connection.close()
        self._connection = self._channel = None

    @contextmanager
    def _answered(self) -> Iterator[None]:
        """Tear the connection down if the broker says nothing for too long.

        A quorum queue without its majority never confirms and the connection stays alive; pika would wait for ever.
        """
        impl: Any = self._connection._impl  # type: ignore[union-attr] # noqa: SLF001 - the public timers do not run while a confirm is awaited
        silent = BrokerAway(
            f"{self._where} does not answer: an event may or may not be kept. Look at the broker; a queue may have "
            "lost its majority of nodes."
        )
        timer = impl._adapter_call_later(self._silence, lambda: impl._terminate_stream(silent))  # noqa: SLF001
        try:
            yield
        finally:
            impl._adapter_remove_timeout(timer)  # noqa: SLF001


def _parameters(config: EventBusConfig) -> "URLParameters":
    from pika import URLParameters

    try:
        parameters = URLParameters(config.url.get_secret_value())
    except TypeError as error:
        raise BrokerUnusable("The address of RabbitMQ names a user and no password. Give both, or neither.") from error
    except (ValueError, SyntaxError) as error:
        raise BrokerUnusable(
            f"The address of RabbitMQ cannot be used: {error}. Write it like amqp://user:password@127.0.0.1:5672/%2F."
        ) from error
    seconds = config.timeout.total_seconds()
    parameters.socket_timeout = parameters.stack_timeout = parameters.blocked_connection_timeout = seconds
    parameters.connection_attempts = 1
    parameters.client_properties = {"connection_name": _APP}
    return parameters


def _properties(event: Event) -> "BasicProperties":
    from pika import BasicProperties, DeliveryMode

    return BasicProperties(
        content_type=CONTENT_TYPE, delivery_mode=DeliveryMode.Persistent, message_id=event.id, app_id=_APP,
        timestamp=int(event.time.timestamp()),
    )  # fmt: skip


def _quieten() -> None:
    """Keep pika from logging each failure with its traceback: it is raised as a sentence. Who set a level keeps it."""
    logger = logging.getLogger("pika")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.CRITICAL)


@contextmanager
def _sentences(where: str) -> Iterator[None]:
    from pika.adapters.utils.connection_workflow import AMQPConnectorException
    from pika.exceptions import AMQPError

    try:
        yield
    except (AMQPError, AMQPConnectorException, OSError) as error:  # OSError: no such host, or a TLS handshake
        raise _sentence(where, error) from error


def _sentence(where: str, error: Exception) -> DatastreamError:
    from pika import exceptions as told
    from pika.adapters.utils.connection_workflow import AMQPConnectorStackTimeout

    match error:
        case AMQPConnectorStackTimeout():
            return BrokerAway(f"{where} does not answer. Is it RabbitMQ that listens there, and is it well?")
        case told.ConnectionBlockedTimeout():
            return BrokerBlocked(
                f"{where} takes no messages: it is short of memory or disk. Give it more, or less work."
            )
        case told.ProbableAuthenticationError() | told.ProbableAccessDeniedError() | told.AuthenticationError():
            return BrokerUnusable(
                f"{where} refuses us: {_reason(error)}. Correct user, password and virtual host in "
                "DATASTREAM_RABBITMQ_URL or the block event-bus."
            )
        case told.UnroutableError():
            return EventRefused(
                f"{where} has no queue for an event, not even the one for such events. It is declared again with the "
                "next attempt."
            )
        case told.NackError():
            return EventRefused(f"{where} did not take an event: a queue is full or lost its majority of nodes.")
    return BrokerAway(f"{where} cannot be reached: {_reason(error)}. Is it running, and is the address right?")


def _reason(error: BaseException) -> str:
    """Return what pika has wrapped, which says nothing itself."""
    inner = error.args[0] if error.args and isinstance(error.args[0], BaseException) else error
    inner = getattr(inner, "exception", inner)
    return str(inner) or type(inner).__name__
