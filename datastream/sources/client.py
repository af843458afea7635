"""Asks an API for one answer at a time. Every failure becomes a sentence, Transient when another try may help.

Redirects are followed on the API's own host, a few of them; to other hosts they are refused, as links are: credentials
belong to one host. They are put into a request here and nowhere above, so that whoever names an address names none.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
import urllib3

from datastream.auth import Credential, TokenStore, TokenUnanswered, credentials_of, tls
from datastream.catalog import AnswerRule
from datastream.clock import Clock, SystemClock
from datastream.connections import ApiConfig
from datastream.credentials import RefreshToken
from datastream.resilience import ENDPOINT, BreakerStates, Dependency, MemoryStates
from datastream.resilience.budget import Allowance, Budget, Budgets, MemoryBudgets, Said
from datastream.resilience.stopping import StoppableClock
from datastream.sources.answer import Answer
from datastream.sources.exchange import ApiAnswerTooLarge, Limits, send
from datastream.sources.judge import ApiForgot, ApiRefused, Judge, Kind
from datastream.sources.limits import said_by
from datastream.sources.reach import Reach, Resolve, resolve
from datastream.sources.request import Request, drops_parameters, same_host
from datastream.sources.wire import CheckedPool

_UNKNOWN_TO_IT = frozenset({401, 403, 407})
_MOVED = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 3
_TOKEN_LIMITS = Limits(timedelta(seconds=10), 256 * 1024)
"""With what it takes to connect, less than a worker's turn to renew a token lasts (`datastream.buffers.tokens`)."""


class Judged(NamedTuple):
    """An answer, and what it is."""

    answer: Answer
    kind: Kind


Heard = Callable[[Judged], None]
"""Told each answer that is taken, by the thread that asked."""


class ApiClient:
    """One API, its connections kept open. Safe to use from several threads.

    It asks once. Who wants an answer goes through `dependency`, so that what is made of it is tried again as well.
    """

    def __init__(
        self,
        config: ApiConfig,
        pool: CheckedPool,
        clock: StoppableClock,
        dependency: Dependency,
        budget: Budget,
        judge: Judge,
        tokens: TokenStore | None = None,
        heard: Heard | None = None,
    ) -> None:
        self._config, self._pool, self._clock = config, pool, clock
        self._budget, self._judge, self._heard = budget, judge, heard
        self.dependency = dependency
        self._headers = urllib3.HTTPHeaderDict(
            {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "datastream"}
        )
        secret = {name: value.get_secret_value() for name, value in config.headers.items()}
        self._headers.update(secret)
        self._secrets = tuple(secret.values())
        self._credentials = credentials_of(config.auth, self._post, tokens, clock)

    @property
    def connections(self) -> int:
        """How many pages may be fetched at the same time."""
        return self._config.connections

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return self._config.base_url

    def stop_when(self, stopped: Callable[[], bool]) -> None:
        """End every wait to ask, by Stopped, soon after `stopped` says that nobody wants the answers any more."""
        self._clock.stopped = stopped

    def ask(self, request: Request) -> Judged:
        """Return an answer and what it is. Raises Transient or Permanent errors that name the address.

        Where the API does not know us, the credentials are renewed, if they can be, and it is asked once more.
        """
        credential = self._credentials.current()
        try:
            return self._follow(request, credential)
        except ApiForgot:
            if not self._credentials.refused(credential):
                raise
        return self._follow(request, self._credentials.current())

    def _follow(self, request: Request, credential: Credential) -> Judged:
        answer, said = self._once(request, credential)
        redirects = 0
        while answer.status in _MOVED and "Location" in answer.headers:
            redirects += 1
            request = _redirected(request, answer, redirects)
            answer, said = self._once(request, credential)
        judged = Judged(answer, self._judge.kind(answer, said))
        if self._heard:
            self._heard(judged)
        return judged

    def _once(self, request: Request, credential: Credential) -> tuple[Answer, Said]:
        headers = self._headers.copy()
        headers.update(request.headers)
        headers.update(credential.headers)
        sent = Credential(headers, credential.params, (*credential.secrets, *self._secrets))
        number = self._budget.admit()
        answer = send(self._pool, request, sent, Limits(self._config.timeout, self._config.max_answer_bytes))
        now = self._clock.now()
        said = self._judge.heard(answer, said_by(answer.status, answer.headers, now), now)
        self._budget.learn(number, said)
        return answer, said

    def _post(self, url: str, credential: Credential, body: bytes) -> Answer:
        """Ask for a token, as `datastream.auth` does."""
        limits = Limits(min(self._config.timeout, _TOKEN_LIMITS.timeout), _TOKEN_LIMITS.most_bytes)
        try:
            answer = send(self._pool, Request(url, "POST", body=body), credential, limits)
        except ApiAnswerTooLarge as error:
            raise TokenUnanswered(
                f"{url} was asked for a token, and its answer had no end within {limits.most_bytes:,} bytes and "
                f"{limits.timeout.total_seconds():g} s. Is auth.token_url in the API block right?"
            ) from error
        Judge.refuse_busy(answer, said_by(answer.status, answer.headers, self._clock.now()))
        return answer


def _redirected(request: Request, answer: Answer, redirects: int) -> Request:
    """Return what to ask instead. Raises ApiRefused."""
    location = answer.headers["Location"]
    url = answer.address(location)
    if request.method != "GET":
        reason = f"a {request.method} is not sent twice"
    elif redirects > _MOST_REDIRECTS:
        reason = f"it is the redirect number {redirects} in a row"
    elif not same_host(url, request.url):
        reason = "that is elsewhere, and credentials are sent to one host"
    elif drops_parameters(url, request.url):
        reason = "parameters that were asked with are missing in it, so another page would be taken for this one"
    else:
        return msgspec.structs.replace(request, url=url)
    raise ApiRefused(
        f"{request} answered {answer.status} to {answer.sent.hide(location)!r}, which is not followed: {reason}. "
        "Correct base_url in the API block or path in the stream.",
        answer.status,
    )


@contextmanager
def open_api(
    config: ApiConfig,
    clock: Clock | None = None,
    states: BreakerStates | None = None,
    resolve: Resolve = resolve,
    tokens: TokenStore | None = None,
    budgets: Budgets | None = None,
    rules: Sequence[AnswerRule] = (),
    heard: Heard | None = None,
) -> Iterator[ApiClient]:
    """Open an API for a while; its connections are closed at the end. Its breaker goes by the name of its host.

    Raises CredentialUnusable. Without `tokens`, a token and what replaces a refresh token are forgotten at the end.
    """
    clock = StoppableClock(clock or SystemClock())
    host = urlsplit(config.base_url).netloc.rpartition("@")[2]
    dependency = Dependency(f"api:{host}", ENDPOINT, states or MemoryStates(), clock)
    allowance = Allowance(config.budget.requests, config.budget.per) if config.budget else None
    budget = Budget(host, budgets or MemoryBudgets(clock), clock, allowance)
    settings = {"maxsize": config.connections, "block": False, "ssl_context": tls(config.client_certificate, config.ca)}
    with CheckedPool(Reach(config.private_networks, resolve), clock, **settings) as pool:
        yield ApiClient(config, pool, clock, dependency, budget, Judge(rules), tokens, heard)


def check(config: ApiConfig) -> str:
    """Return that the API answers and knows us, in a sentence. Raises ApiUnreachable, ApiBusy and ApiRefused.

    What stands at `base_url` itself need not exist: that it is not found is an answer. A refresh token is not used: it
    may be replaced then, and nobody here keeps what replaces it.
    """
    untried = isinstance(config.auth, RefreshToken)
    with open_api(config.model_copy(update={"auth": None}) if untried else config) as client:
        try:
            client.ask(Request(config.base_url))
        except ApiRefused as error:
            if error.status in _UNKNOWN_TO_IT and not untried:
                raise
    kept = " Its refresh token is left to the runs, since trying it may use it up." if untried else ""
    return f"The API at {config.base_url} answers.{kept}"
