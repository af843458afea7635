"""Posts as fast as answers come: so many connections, each with one post on its way. Measures rate and latency.

It shares its machine with what it measures, so it is lean: requests are made before the clock starts, and of an answer
no more is looked at than its first line and its length.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks.child import CandidateFailed
from datastream.auth import sign

_ACCEPTED = b"HTTP/1.1 202 "


@dataclass(frozen=True, slots=True)
class Answers:
    """What came of all posts together."""

    seconds: float
    latencies: Sequence[float]

    @property
    def rate(self) -> float:
        """Return posts a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Return how many milliseconds that share of the posts took at most."""
        return sorted(self.latencies)[int(share * (len(self.latencies) - 1))] * 1000


def requests(path: str, key: bytes, count: int) -> list[bytes]:
    """Return signed posts of one flight each."""
    now = datetime.now(UTC)
    return [_request(path, key, number, now) for number in range(count)]


def _request(path: str, key: bytes, number: int, now: datetime) -> bytes:
    body = (
        b'{"id":%d,"year":2013,"month":1,"day":1,"dep_time":517,"sched_dep_time":515,"dep_delay":2,"arr_time":830,'
        b'"sched_arr_time":819,"arr_delay":11,"carrier":"UA","flight":1545,"tailnum":"N14228","origin":"EWR",'
        b'"dest":"IAH","air_time":227,"distance":1400,"hour":5,"minute":15,"time_hour":"2013-01-01T10:00:00Z",'
        b'"note":"made for a benchmark"}' % number
    )
    headers = {"host": "127.0.0.1", "content-type": "application/json", "content-length": str(len(body))}
    lines = [f"{name}: {value}" for name, value in {**headers, **sign(key, f"msg_{number}", now, body)}.items()]
    return "\r\n".join((f"POST {path} HTTP/1.1", *lines, "", "")).encode() + body


class _Sender(asyncio.Protocol):
    """One connection. It takes the next request from all connections' one store."""

    def __init__(self, store: Iterator[bytes], latencies: list[float], lost: asyncio.Future[None]) -> None:
        self._store = store
        self._latencies = latencies
        self.lost = lost
        self.wrong: CandidateFailed | None = None
        self._answer = b""
        self._ended = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def begin(self) -> None:
        """Post the next request, if there is one."""
        request = next(self._store, None)
        if request is None:
            self._end(None)
            return
        self._began = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.rpartition(b"content-length: ")[2].partition(b"\r\n")[0]):
            return
        self._latencies.append(time.perf_counter() - self._began)
        if not head.startswith(_ACCEPTED):
            self._end(CandidateFailed(f"A post was not accepted: {self._answer.decode()}"))
            return
        self._answer = b""
        self.begin()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ended:
            self.wrong = CandidateFailed(f"A connection broke: {exc}")
        self.lost.set_result(None)

    def _end(self, wrong: CandidateFailed | None) -> None:
        self._ended, self.wrong = True, wrong
        self._transport.close()


def post(port: int, wanted: Sequence[bytes], connections: int) -> Answers:
    """Post everything, and return what was measured. Raises CandidateFailed unless each post was accepted."""
    import uvloop

    return uvloop.run(_post(port, wanted, connections))


async def _post(port: int, wanted: Sequence[bytes], connections: int) -> Answers:
    loop = asyncio.get_running_loop()
    store, latencies = iter(wanted), list[float]()
    senders = [
        (await loop.create_connection(lambda: _Sender(store, latencies, loop.create_future()), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    began = time.perf_counter()
    for sender in senders:
        sender.begin()
    await asyncio.gather(*(sender.lost for sender in senders))  # the loop cannot be closed over one that is open
    took = time.perf_counter() - began
    for sender in senders:
        if sender.wrong is not None:
            raise sender.wrong
    return Answers(took, latencies)
