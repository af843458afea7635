"""Opens the stream buffer. The client never tries again by itself: who calls it decides that, once."""

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
