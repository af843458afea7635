"""The Prefect server's public API, asked without Prefect's client: the keeper stays small, and never waits for long."""

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import urllib3
from urllib3 import exceptions
from urllib3.exceptions import HTTPError, LocationValueError, NewConnectionError

from datastream.clock import Clock, SystemClock
from deployments.prefect_api import (
    LOCKED,
    NotPrefect,
    PrefectAway,
    PrefectRefused,
    locked,
    not_prefect,
    same_version,
)

_PAGE = 200
"""As many as the server gives at once."""


class Server:
    """A Prefect server at its API's address, such as http://127.0.0.1:4200/api."""

    def __init__(
        self,
        url: str,
        *,
        login: str | None = None,
        timeout: timedelta = timedelta(seconds=5),
        clock: Clock | None = None,
    ) -> None:
        self._url, self._clock, self._ahead = url.rstrip("/"), clock or SystemClock(), timedelta()
        known = {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"} if login else {}
        # A connection that is kept may be closed by the server just when it is used again, which looks like its end.
        self._http = urllib3.PoolManager(
            headers={"Connection": "close", **known}, timeout=timeout.total_seconds(), retries=False, num_pools=1
        )

    def close(self) -> None:
        """Close the connection."""
        self._http.clear()

    def now(self) -> datetime:
        """Return the time by the server's clock, as its last answer told it: what it says of runs is by that one."""
        return self._clock.now() + self._ahead

    def check(self) -> None:
        """Look who is there. Raises NotPrefect, PrefectLocked and PrefectIncomplete, and what the others do."""
        try:
            version = self.get("/admin/version")
        except PrefectRefused as error:
            raise not_prefect(self._url, str(error)) from error
        if not isinstance(version, str):
            raise not_prefect(self._url, "it does not tell its version")
        same_version(self._url, version)

    def get(self, path: str) -> Any:
        """Return what is at a path. Raises PrefectAway, PrefectLocked, PrefectRefused and NotPrefect, as all do."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: Any) -> Any:
        """Return the answer to a question, or to an order."""
        return self._ask("POST", path, body)

    def patch(self, path: str, body: Any) -> None:
        """Change what is at a path."""
        self._ask("PATCH", path, body)

    def all(self, path: str, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return all that a filter finds, page after page."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.post(path, {**wanted, "limit": _PAGE, "offset": len(found)})
            found += page
            if len(page) < _PAGE:
                return found

    def _ask(self, method: str, path: str, body: Any) -> Any:
        if not self._url.startswith(("http://", "https://")):
            raise self._no_address()
        asked = {} if body is None else {"json": body}
        try:
            answer = self._http.request(method, f"{self._url}{path}", **asked)
        except LocationValueError as error:
            raise self._no_address() from error
        except HTTPError as error:
            raise PrefectAway(
                f"The Prefect server at {self._url} gives no answer: {_why(error)}. Start one with `datastream up`, or "
                "correct PREFECT_API_URL."
            ) from error
        return self._read(answer, f"{method} {path}")

    def _no_address(self) -> NotPrefect:
        return NotPrefect(
            f"{self._url!r} is no address of a Prefect server. Correct PREFECT_API_URL: http://127.0.0.1:4200/api."
        )

    def _read(self, answer: urllib3.BaseHTTPResponse, asked: str) -> Any:
        if answer.status in LOCKED:
            raise locked(self._url, answer.status)
        if answer.status >= 500 or answer.status == 429:  # noqa: PLR2004 - HTTP's own numbers
            raise PrefectAway(f"The Prefect server at {self._url} answers {answer.status} to {asked}.")
        if answer.status >= 300:  # noqa: PLR2004
            raise PrefectRefused(
                f"The Prefect server at {self._url} answers {answer.status} to {asked}: "
                f"{answer.data[:300].decode(errors='replace')!r}. Let both be of the same version, and see that "
                "PREFECT_API_URL is right."
            )
        with suppress(KeyError, ValueError):  # who stands in between may leave it out
            self._ahead = parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC) - self._clock.now()
        try:
            return answer.json() if answer.data else None
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise not_prefect(self._url, "what it says is no JSON") from error


def _why(error: HTTPError) -> str:
    if isinstance(error, NewConnectionError):
        cause = error.__cause__ or error.__context__
        return (cause.strerror if isinstance(cause, OSError) else None) or "nobody listens there"
    if isinstance(error, exceptions.TimeoutError):
        return "it takes too long"
    return type(error).__name__
