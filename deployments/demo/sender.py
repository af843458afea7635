"""A sender of webhooks: posts real flights to the gateway, signed as Standard Webhooks says, some of them twice.

It behaves as a sender should: what is answered with 503 is posted again, with the same id, after the time it is told.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from datastream.auth import sign
from datastream.clock import Clock, SystemClock
from datastream.errors import Permanent, Transient
from datastream.resilience import RetryPolicy

if TYPE_CHECKING:
    import urllib3

    from deployments.demo.flights import Flights

DISTINCT, REPEATED, FORGED = 2_000, 100, 20
_CONNECTIONS = 8
_PATIENCE = RetryPolicy(attempts=6, first=timedelta(seconds=0.5), budget=timedelta(seconds=60))


class GatewayAway(Transient):
    """The gateway did not accept a post, and may accept it later."""


class GatewayStrange(Permanent):
    """The gateway answered something that a sender does not expect."""


@dataclass(frozen=True, slots=True)
class Post:
    """One post: forged ones are signed with a secret that is not the stream's."""

    id: str
    body: bytes
    forged: bool = False


def departures(flights: "Flights") -> list[Post]:
    """Return 2,000 flights, 100 of them once more, and 20 that are forged, each in the place it is sent."""
    distinct = [Post(f"departure-{n}", flights.page(None, n, 1).text) for n in range(1, DISTINCT + 1)]
    repeated = distinct[:: DISTINCT // REPEATED]
    forged = [Post(f"forged-{n}", post.body, forged=True) for n, post in enumerate(distinct[:FORGED], 1)]
    return [*distinct, *repeated, *forged]


class Sender:
    """Posts to one address with one secret, over a few connections."""

    def __init__(self, address: str, key: bytes, clock: Clock | None = None) -> None:
        self._address, self._key, self._clock = address, key, clock or SystemClock()

    def send(self, posts: Sequence[Post], said: Callable[[int], None] = lambda _: None) -> Counter[str]:
        """Post all, and return how often each answer came: `202 accepted`, `202 repeat`, `401`.

        `said` is told how many are done. Raises GatewayAway after a minute without an answer, and GatewayStrange.
        """
        import urllib3

        answers: Counter[str] = Counter()
        with urllib3.PoolManager(maxsize=_CONNECTIONS) as pool, ThreadPoolExecutor(_CONNECTIONS) as threads:
            for done, answer in enumerate(self._answers(pool, threads, posts), 1):
                answers[answer] += 1
                said(done)
        return answers

    def _answers(
        self, pool: "urllib3.PoolManager", threads: ThreadPoolExecutor, posts: Sequence[Post]
    ) -> Iterator[str]:
        return threads.map(lambda post: _PATIENCE.call(lambda: self._post(pool, post), clock=self._clock), posts)

    def _post(self, pool: "urllib3.PoolManager", post: Post) -> str:
        import urllib3

        key = bytes(len(self._key)) if post.forged else self._key
        headers = {"Content-Type": "application/json", **sign(key, post.id, self._clock.now(), post.body)}
        try:
            answer = pool.request("POST", self._address, body=post.body, headers=headers, retries=False, timeout=15)
        except urllib3.exceptions.HTTPError as error:
            raise GatewayAway(f"{self._address} gave no answer: {error}. Is the gateway up?") from error
        return self._judge(answer)

    def _judge(self, answer: "urllib3.BaseHTTPResponse") -> str:
        match answer.status:
            case 202:
                return f"202 {answer.json()['status']}"
            case 401:
                return "401"
            case 503:
                wait = timedelta(seconds=int(answer.headers.get("Retry-After", "1")))
                raise GatewayAway(f"{self._address} answered 503: {answer.data.decode()}", retry_after=wait)
            case _:
                raise GatewayStrange(
                    f"{self._address} answered {answer.status}, which no sender expects: {answer.data.decode()}"
                )
