"""Asks an API for one answer at a time. Every failure becomes a sentence, Transient when another try may help.

Redirects are refused and links to other hosts too: credentials belong to one host.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode, urljoin, urlsplit

import urllib3

from datastream.clock import Clock, SystemClock
from datastream.connections import ApiConfig
from datastream.errors import Permanent, Transient
from datastream.resilience import ENDPOINT, BreakerStates, Dependency, MemoryStates

_TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_UNKNOWN_TO_IT = frozenset({401, 403, 407})
_CHUNK_BYTES = 256 * 1024
Params = Mapping[str, str | int | float | bool]


class ApiUnreachable(Transient):
    """No answer came, or it broke off."""


class ApiBusy(Transient):
    """The API answered that it cannot answer now."""


class ApiRefused(Permanent):
    """The API answered that the request is wrong."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class ApiAnswerTooLarge(Permanent):
    """An answer did not end within the allowed size or time."""


class ApiClient:
    """One API, its connections kept open. Safe to use from several threads.

    It asks once. Who wants an answer goes through `dependency`, so that what is made of it is tried again as well.
    """

    def __init__(self, config: ApiConfig, pool: urllib3.PoolManager, clock: Clock, dependency: Dependency) -> None:
        self._config, self._pool, self._clock = config, pool, clock
        self.dependency = dependency
        self._headers = {"Accept": "application/json", "User-Agent": "datastream"}
        self._headers |= {name: value.get_secret_value() for name, value in config.headers.items()}

    @property
    def connections(self) -> int:
        """How many pages may be fetched at the same time."""
        return self._config.connections

    def url(self, path: str, params: Params) -> str:
        """Return the address of `path` with `params`."""
        base = f"{self._config.base_url}/{path.lstrip('/')}"
        return f"{base}?{urlencode(params)}" if params else base

    def follow(self, current: str, link: str) -> str:
        """Return the absolute address of `link` as found in the answer to `current`; another host is refused."""
        target = urljoin(current, link)
        if urlsplit(target)[:2] != urlsplit(self._config.base_url)[:2]:
            raise ApiRefused(
                f"{current} names {link!r} as its next page, which is not on {self._config.base_url}. "
                "Its credentials are not sent elsewhere; correct the API block's base_url if the API has moved."
            )
        return target

    def get(self, url: str) -> bytes:
        """Return the body of a 200. Raises Transient or Permanent errors that name the address."""
        deadline = self._clock.monotonic() + self._config.timeout.total_seconds()
        try:
            response = self._pool.request(
                "GET", url, headers=self._headers, redirect=False, retries=False, preload_content=False,
                timeout=self._config.timeout.total_seconds(),
            )  # fmt: skip
            with closing(response):  # what was not read to its end must not be reused for another request
                body = self._read(url, response, deadline)
                response.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise ApiUnreachable(
                f"{url} gave no answer: {_reason(error)}. Is the API up, and is base_url in its block right?"
            ) from error
        self._judge(url, response, body)
        return body

    def _read(self, url: str, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
        """Read to the end, but not for ever: an answer is bounded in bytes and in time."""
        chunks: list[bytes] = []
        size = 0
        while chunk := response.read1(_CHUNK_BYTES):  # returns what is there, so that a trickle meets the deadline
            chunks.append(chunk)
            size += len(chunk)
            if size > self._config.max_answer_bytes or self._clock.monotonic() > deadline:
                raise ApiAnswerTooLarge(
                    f"{url} was still answering after {size:,} bytes and {self._config.timeout.total_seconds():g} s at "
                    "most. Ask for smaller pages, or raise max_answer_bytes or timeout in the API block."
                )
        return b"".join(chunks)

    def _judge(self, url: str, response: urllib3.BaseHTTPResponse, body: bytes) -> None:
        if response.status == 200:  # noqa: PLR2004 - it is the one status that means a page
            return
        said = body[:200].decode(errors="replace").strip()
        if response.status in _TRANSIENT_STATUS:
            wait = retry_after(response.headers.get("Retry-After"), self._clock.now())
            asks = f" and asks to wait {wait.total_seconds():g} s" if wait else ""
            raise ApiBusy(
                f"{url} answered {response.status}{asks}: {said!r}. It is tried again later.", retry_after=wait
            )
        moved = f" to {response.headers['Location']!r}" if "Location" in response.headers else ""
        raise ApiRefused(
            f"{url} answered {response.status}{moved}: {said!r}. Correct base_url or headers in the API block, or "
            "path and params in the stream.",
            response.status,
        )


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Return how long a Retry-After header asks to wait, given in seconds or as a date (RFC 9110, 10.2.3)."""
    if not value:
        return None
    if value.strip().isdigit():
        return timedelta(seconds=min(int(value), 365 * 24 * 3600))
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(timedelta(), (date if date.tzinfo else date.replace(tzinfo=UTC)) - now)


def _reason(error: BaseException) -> str:
    return str(error.args[-1] if error.args else error).rpartition(": ")[2] or type(error).__name__


@contextmanager
def open_api(config: ApiConfig, clock: Clock | None = None, states: BreakerStates | None = None) -> Iterator[ApiClient]:
    """Open an API for a while; its connections are closed at the end. Its breaker goes by the name of its host."""
    clock = clock or SystemClock()
    host = urlsplit(config.base_url).netloc.rpartition("@")[2]
    dependency = Dependency(f"api:{host}", ENDPOINT, states or MemoryStates(), clock)
    with urllib3.PoolManager(maxsize=config.connections, block=False) as pool:
        yield ApiClient(config, pool, clock, dependency)


def check(config: ApiConfig) -> str:
    """Return that the API answers and knows us, in a sentence. Raises ApiUnreachable, ApiBusy and ApiRefused.

    What stands at `base_url` itself need not exist: that it is not found is an answer.
    """
    with open_api(config) as client:
        try:
            client.get(config.base_url)
        except ApiRefused as error:
            if error.status in _UNKNOWN_TO_IT:
                raise
    return f"The API at {config.base_url} answers."
