"""The Prefect server's public API, asked without Prefect's client: the keeper stays small, and never waits for long."""

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import urllib3

from datastream.clock import Clock, SystemClock
from deployments.prefect_api import PrefectAway, PrefectRefused

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
        self._http = urllib3.PoolManager(
            headers=known, timeout=timeout.total_seconds(), retries=False, maxsize=1, num_pools=1
        )

    def close(self) -> None:
        """Close the connection."""
        self._http.clear()

    def now(self) -> datetime:
        """Return the time by the server's clock, as its last answer told it: what it says of runs is by that one."""
        return self._clock.now() + self._ahead

    def get(self, path: str) -> Any:
        """Return what is at a path. Raises PrefectAway and PrefectRefused, as all of these do."""
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
        asked = {} if body is None else {"json": body}
        try:
            answer = self._http.request(method, f"{self._url}{path}", **asked)
        except urllib3.exceptions.HTTPError as error:
            raise PrefectAway(f"The Prefect server at {self._url} gives no answer ({type(error).__name__}).") from error
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise PrefectAway(f"The Prefect server at {self._url} answers {answer.status} to {method} {path}.")
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise PrefectRefused(
                f"The Prefect server at {self._url} answers {answer.status} to {method} {path}: {answer.data[:300]!r}. "
                "Let both be of the same version, and see that PREFECT_API_URL and PREFECT_API_AUTH_STRING are right."
            )
        with suppress(KeyError, ValueError):  # who stands in between may leave it out
            self._ahead = parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC) - self._clock.now()
        try:
            return json.loads(answer.data) if answer.data else None
        except ValueError as error:
            raise PrefectAway(
                f"What answers at {self._url} to {method} {path} is no Prefect server: what it says is no JSON. "
                "See that PREFECT_API_URL is right, and ends in /api."
            ) from error
