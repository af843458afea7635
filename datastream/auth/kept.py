"""What is known of one configuration's token, handed on between workers in a store, encrypted.

The key is made of the block's own secrets: what lies in the store is as good as they are, but who reads it, or a backup
of it, cannot use it, and who writes into it cannot plant a token. The name is made of the same, so that a secret that
was changed never meets an old token.
"""

import json
import logging
from base64 import urlsafe_b64encode
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b

import msgspec
from pydantic import SecretStr

from datastream.auth.contract import TokenStore
from datastream.auth.errors import TokensAway
from datastream.credentials import OAuth

logger = logging.getLogger(__name__)

_REFRESH_KEPT = timedelta(days=365)
"""It is of use long after the access token has ended."""
_KEPT_WITHOUT_END = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Token:
    """A token and, where it has one, what renews it. Its repr shows neither."""

    access: str = field(repr=False)
    renew_at: datetime | None = None
    """Somewhat before it ends; None if nobody knows when."""
    refresh: str | None = field(default=None, repr=False)
    number: int = 1
    """Counts the renewals: the newest is known without comparing the clocks of two machines."""

    def serves(self, refused: str | None, now: datetime) -> bool:
        """Tell whether it may be used, where `refused` may not."""
        return self.access != refused and (self.renew_at is None or now < self.renew_at)


class Kept:
    """The token of one configuration in a store. `get` and `turn` raise TokensAway."""

    def __init__(self, auth: OAuth, store: TokenStore) -> None:
        self._store = store
        made_of = json.dumps({name: _plain(value) for name, value in auth}, sort_keys=True).encode()
        self._name = blake2b(made_of, digest_size=16, person=b"token name").hexdigest()
        self._key = urlsafe_b64encode(blake2b(made_of, digest_size=32, person=b"token key").digest())

    def turn(self) -> AbstractContextManager[None]:
        """Let one of all workers renew."""
        return self._store.turn(self._name)

    def get(self) -> Token | None:
        """Return the token that is kept, if one is that can be read."""
        from cryptography.fernet import Fernet, InvalidToken

        kept = self._store.get(self._name)
        if kept is None:
            return None
        try:
            return msgspec.json.decode(Fernet(self._key).decrypt(kept), type=Token)
        except (InvalidToken, msgspec.DecodeError):
            logger.warning("The token that is kept for all workers cannot be read, and is asked for anew.")
            return None

    def put(self, token: Token, now: datetime) -> None:
        """Keep a token for as long as it is of use. One that cannot be kept is known to this process alone."""
        from cryptography.fernet import Fernet

        lasts = token.renew_at - now if token.renew_at else _KEPT_WITHOUT_END
        lasts = _REFRESH_KEPT if token.refresh else max(lasts, timedelta(seconds=1))
        try:
            self._store.put(self._name, Fernet(self._key).encrypt(msgspec.json.encode(token)), lasts)
        except TokensAway as error:
            lost = " If its refresh token was replaced, that is lost when this process ends." if token.refresh else ""
            logger.warning("A new token is known to this process alone. %s%s", error, lost)


def _plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
