"""Tokens of APIs in Redis, where one worker renews them for all.

What is kept is encrypted before it comes here (`datastream.auth.kept`). Keys: `datastream:token:{name}`, expiring with
what is kept, and `datastream:token:{name}:turn`, which ends by itself when its holder dies.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar, cast

import redis

from datastream.auth import TokensAway, TokenStore, TokenUnanswered
from datastream.buffers.connection import connect
from datastream.connections import BufferConfig

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TurnPolicy:
    """How long one worker may take to renew a token, and how often others look whether it has."""

    lasts: timedelta = timedelta(seconds=30)
    """Longer than a token endpoint is waited for (`datastream.sources.client`), so that no two ask at the same time."""
    poll: timedelta = timedelta(milliseconds=50)

    @property
    def waits(self) -> timedelta:
        """A little longer than the turn of a worker that died."""
        return self.lasts * 1.2


@contextmanager
def token_store(buffer: BufferConfig | None) -> Iterator[TokenStore | None]:
    """Share tokens through the stream buffer for a while; without one each process has its own."""
    if buffer is None:
        yield None
        return
    with connect(buffer) as client:
        yield SharedTokens(client)


class SharedTokens:
    """Tokens in Redis, dialled when the first is asked for."""

    def __init__(self, client: redis.Redis, policy: TurnPolicy | None = None) -> None:
        self._client, self._policy = client, policy or TurnPolicy()

    def get(self, name: str) -> bytes | None:
        return cast("bytes | None", _said(lambda: self._client.get(_key(name))))

    def put(self, name: str, value: bytes, lasts: timedelta) -> None:
        _said(lambda: self._client.set(_key(name), value, px=lasts))

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        policy = self._policy
        turn = self._client.lock(
            f"{_key(name)}:turn", timeout=policy.lasts.total_seconds(), sleep=policy.poll.total_seconds(),
            blocking_timeout=policy.waits.total_seconds(),
        )  # fmt: skip
        if not _said(turn.acquire):
            raise TokenUnanswered(
                f"Other workers have been renewing a token for {policy.waits.total_seconds():g} s. It is tried again "
                "later; does the API's token_url answer?"
            )
        try:
            yield
        finally:
            with suppress(redis.RedisError):  # it ends by itself
                turn.release()


def _key(name: str) -> str:
    return f"datastream:token:{name}"


def _said(action: Callable[[], T]) -> T:
    try:
        return action()
    except redis.RedisError as error:
        raise TokensAway(
            f"Redis, where workers share tokens, does not answer as it should: {error}. Is DATASTREAM_REDIS_URL right, "
            "and is it up?",
            given_up=True,  # it says nothing of the API
        ) from error
