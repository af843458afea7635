"""How a request to an API gets what lets it in, and what is known of tokens between workers."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol
from urllib.parse import quote, quote_plus, unquote_plus, urlencode, urlsplit, urlunsplit

_LEAST_SECRET = 4
"""What is shorter is no secret; to hide it would spoil every message."""
_LOOKED_AT_BYTES = 20_000


@dataclass(frozen=True, slots=True)
class Credential:
    """What one request is sent with. Its repr shows nothing of it."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What no message may hold."""

    def into(self, url: str) -> str:
        """Return the address to ask, with what belongs into its query."""
        if not self.params:
            return url
        parts = urlsplit(self.out_of(url))
        query = "&".join(filter(None, (parts.query, urlencode(self.params))))
        return urlunsplit(parts._replace(query=query))

    def out_of(self, url: str) -> str:
        """Return an address without it: many an API answers with links that hold the whole query they came by."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return url
        if not self.params:
            return url
        kept = [each for each in parts.query.split("&") if unquote_plus(each.partition("=")[0]) not in self.params]
        return urlunsplit(parts._replace(query="&".join(kept)))

    def hide(self, text: str) -> str:
        """Return a text without the secrets, as they are and as they stand in an address or in JSON."""
        for form in sorted({form for secret in self.secrets for form in _forms(secret)}, key=len, reverse=True):
            if len(form) >= _LEAST_SECRET:
                text = text.replace(form, "***")
        return text

    def excerpt(self, said: bytes, most: int) -> str:
        """Return how something begins that the other side said, without the secrets.

        They are looked for in more than is shown, or half of one would be shown where it is cut.
        """
        return self.hide(said[:_LOOKED_AT_BYTES].decode(errors="replace")).strip()[:most]


def _forms(secret: str) -> Iterator[str]:
    in_json = json.dumps(secret)[1:-1]
    yield from (secret, quote(secret, safe=""), quote_plus(secret))
    yield from (in_json, in_json.replace("/", r"\/"), in_json.replace("&", r"\u0026"))


class Credentials(Protocol):
    """What lets us into one API. Safe to use from several threads."""

    def current(self) -> Credential:
        """Return what to send with a request now. Raises TokenRefused, and Transient errors."""

    def refused(self, credential: Credential) -> bool:
        """Hear that a request with `credential` was answered 401, and tell whether `current` is another one now.

        It raises what `current` raises. Another thread or worker may have been faster; then nothing is renewed.
        """


class TokenStore(Protocol):
    """Where workers keep tokens for each other, by name. Who reads it must not be able to use what it holds.

    Every method raises TokensAway while it does not answer.
    """

    def get(self, name: str) -> bytes | None:
        """Return what is kept, or None."""

    def put(self, name: str, value: bytes, lasts: timedelta) -> None:
        """Keep it for so long."""

    def turn(self, name: str) -> AbstractContextManager[None]:
        """Let one of all workers in at a time, for a bounded while; raises TokenUnanswered when it is not our turn yet.

        One that dies within is waited for no longer than a turn lasts. A turn that took longer than that excludes
        nobody any more.
        """


class Said(Protocol):
    """What was answered."""

    @property
    def status(self) -> int:
        """The status code."""

    @property
    def body(self) -> bytes:
        """What came, unpacked."""


Post = Callable[[str, Credential, bytes], Said]
"""Posts a body to an address with these headers, and returns what was answered. What may pass by itself, and what does
not end within a bounded time and size, is raised as Transient."""
