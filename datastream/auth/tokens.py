"""Tokens that somebody gives us for a while: used until they end or are refused, then renewed by one worker for all.

In this process a lock lets one thread renew, and between workers a turn in the store; whoever comes later finds the new
token. Without a store, and for client credentials while it is away, each process renews for itself.

A refresh token may be replaced whenever it is used, and to use a replaced one may end the grant for good (RFC 9700,
4.14.2). So while the store that knows the newest is away, none is used: waiting ends by itself, the other does not.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Lock

from datastream.auth.contract import Credential
from datastream.auth.errors import TokensAway, TokenUnanswered
from datastream.auth.kept import Kept, Token
from datastream.auth.plain import bearer
from datastream.clock import Clock

logger = logging.getLogger(__name__)

Fetch = Callable[[Token | None], Token]
"""Asks for a token, given the one before it."""
_PATIENCE = timedelta(seconds=60)
"""Longer than another thread may wait for a turn and then for its answer."""


class Renewed:
    """The token of one configuration, renewed when it has to be."""

    def __init__(self, fetch: Fetch, kept: Kept | None, clock: Clock, *, fails_open: bool) -> None:
        self._fetch, self._kept, self._clock = fetch, kept, clock
        self._fails_open = fails_open
        self._token: Token | None = None
        self._lock = Lock()

    def current(self) -> Credential:
        token = self._token
        if token is None or not token.serves(None, self._clock.now()):
            token = self._another_than(token.access if token else None)
        return bearer(token.access)

    def refused(self, credential: Credential) -> bool:
        (access,) = credential.secrets
        self._another_than(access)
        return True

    def _another_than(self, refused: str | None) -> Token:
        with self._alone():
            if self._token is None or not self._token.serves(refused, self._clock.now()):
                self._token = self._shared(refused)
            return self._token

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=_PATIENCE.total_seconds()):
            raise TokenUnanswered("Another thread has been asking for a token for a minute. It is tried again later.")
        try:
            yield
        finally:
            self._lock.release()

    def _shared(self, refused: str | None) -> Token:
        """Return the token that another worker was given, or ask for one on behalf of all."""
        if self._kept is None:
            return self._fetch(self._token)
        try:
            with self._kept.turn():
                known = [token for token in (self._kept.get(), self._token) if token]
                newest = max(known, key=lambda token: token.number, default=None)
                if newest and newest.serves(refused, self._clock.now()):
                    return newest
                token = self._fetch(newest)
                self._kept.put(token, self._clock.now())
                return token
        except TokensAway as error:
            if not self._fails_open:
                raise
            logger.warning("A token is asked for by this process alone. %s", error)
            return self._fetch(self._token)
