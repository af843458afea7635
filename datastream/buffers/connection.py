"""Opens the stream buffer. The client never tries again by itself: who calls it decides that, once."""

from collections.abc import Callable

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from datastream.connections import BufferConfig


def connect(config: BufferConfig, name: str | None = None) -> redis.Redis:
    """Return a client that dials when it is first used, to be closed by the caller. Replies are bytes.

    With a name, all who may list connections see it for as long as this process lives.
    """
    seconds = config.timeout.total_seconds()
    return redis.Redis.from_url(
        config.url.get_secret_value(), socket_timeout=seconds, socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0), health_check_interval=0, client_name=name,
    )  # fmt: skip


def again_at_once(action: Callable[[], object]) -> None:
    """Do what may be done twice. Where the connection was cut, this opens it again, and with its name."""
    try:
        action()
    except redis.ConnectionError:
        action()
