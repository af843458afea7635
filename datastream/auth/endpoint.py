"""Asks an OAuth server for a token, through Authlib. What it refuses is a sentence with its own error code in it."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import urlencode

from datastream.auth.contract import Credential, Post
from datastream.auth.errors import TokenRefused, TokenUnanswered
from datastream.auth.kept import Token
from datastream.clock import Clock
from datastream.credentials import OAuth, RefreshToken, sendable_text

_LEEWAY = timedelta(seconds=60)
_LONGEST_SECONDS = 10 * 365 * 86_400
_SHOWN = 200


class Endpoint:
    """The token endpoint of one configuration (RFC 6749, 3.2)."""

    def __init__(self, auth: OAuth, post: Post, clock: Clock) -> None:
        self._auth, self._post, self._clock = auth, post, clock

    def fetch(self, before: Token | None) -> Token:
        """Return a token. Raises TokenRefused, TokenUnanswered and what `post` raises."""
        from authlib.oauth2.base import OAuth2Error

        posting, refresh = _Posting(self._auth, self._post), self._refresh(before)
        now = self._clock.now()  # before it is asked for: a token ends no sooner than we think
        try:
            found = self._ask(posting, refresh)
        except OAuth2Error as error:
            raise posting.refused(error.error, error.description) from None
        access, replaced = found.get("access_token"), found.get("refresh_token") or refresh
        if posting.status_code != HTTPStatus.OK or not sendable_text(access) or not sendable_text(replaced or "-"):
            posting.raise_for_status()
        return Token(
            str(access),
            _renewed_at(now, posting.expires_in),
            str(replaced) if refresh else None,
            before.number + 1 if before else 1,
        )

    def _refresh(self, before: Token | None) -> str | None:
        if not isinstance(self._auth, RefreshToken):
            return None
        return (before and before.refresh) or self._auth.refresh_token.get_secret_value()

    def _ask(self, posting: "_Posting", refresh: str | None) -> Mapping[str, Any]:
        from authlib.oauth2.client import OAuth2Client

        auth, more = self._auth, urlencode(self._auth.params)
        secret = auth.client_secret and auth.client_secret.get_secret_value()
        method = auth.client_auth if secret else "none"
        client = OAuth2Client(posting, auth.client_id, secret, method, scope=auth.scope)
        found: Mapping[str, Any] = (
            client.refresh_token(auth.token_url, refresh_token=refresh, body=more)
            if refresh
            else client.fetch_token(auth.token_url, grant_type="client_credentials", body=more)
        )
        return found


class _Posting:
    """What Authlib takes for a session of `requests`, and its answer in one."""

    status_code = 0
    expires_in: object = None
    _body = b""
    _sent = Credential()

    def __init__(self, auth: OAuth, post: Post) -> None:
        self._auth, self._post = auth, post

    def post(self, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: Any) -> "_Posting":
        url, sent, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        login = sent.get("Authorization", "").removeprefix("Basic ")
        self._sent = Credential(sent, secrets=(auth.client_secret or "", data.get("refresh_token", ""), login))
        said = self._post(url, self._sent, body.encode())
        self.status_code, self._body = said.status, said.body
        return self

    def json(self) -> Any:
        """Return what was answered, but for when it ends: Authlib would reckon with the machine's clock."""
        try:
            document = json.loads(self._body)
        except RecursionError:
            raise ValueError("it is nested too deep") from None
        if isinstance(document, dict):
            self.expires_in = document.pop("expires_in", None)
            document.pop("expires_at", None)
        return document

    def raise_for_status(self) -> NoReturn:
        """Say that there is no token in it. Authlib calls this when an answer is not JSON."""
        if self.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise TokenUnanswered(f"{self._auth.token_url} answered {self.status_code}. It is tried again later.")
        said = repr(self._sent.excerpt(self._body, _SHOWN))
        why = "no access_token that can be sent" if self.status_code == HTTPStatus.OK else said
        raise TokenRefused(
            f"{self._auth.token_url} gave no token: it answered {self.status_code} with {why}. Is auth.token_url in "
            "the API block right?"
        )

    def refused(self, code: object, description: object) -> TokenRefused:
        """Return what an OAuth error says (RFC 6749, 5.2), and the way out."""
        way_out = "Correct client_id, client_secret, scope and params of auth in the API block."
        if code == "invalid_grant" and isinstance(self._auth, RefreshToken):
            way_out = (
                "Its refresh token has ended or was replaced: log in anew, and put the new one into the API block."
            )
        said = self._sent.excerpt((f"{code} ({description})" if description else str(code)).encode(), _SHOWN)
        return TokenRefused(f"{self._auth.token_url} gave no token: {said}. {way_out}")


def _renewed_at(now: datetime, expires_in: object) -> datetime | None:
    """Return when to renew a token: a minute before it ends, or when nine tenths of a short life are over."""
    try:
        seconds = float(expires_in)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    if not 0 < seconds < _LONGEST_SECONDS:  # some say so that it does not end
        return None
    life = timedelta(seconds=seconds)
    return now + max(life - _LEEWAY, life * 0.9)
