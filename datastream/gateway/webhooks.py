"""`POST /webhooks/{stream}`: bounds, then the signature over the raw bytes, then JSON, then the buffer.

202 is said only of what is durable. Whatever else happens is 4xx, the sender's to mend, or 503 with Retry-After: then
nothing is certain, and the sender repeats it with the same id, which is kept once.
"""

from collections.abc import Callable
from http import HTTPStatus

import msgspec

from datastream.auth import SignatureWrong, verify
from datastream.buffers import Delivery
from datastream.clock import Clock
from datastream.errors import DatastreamError, Transient
from datastream.gateway.asgi import JSON, Header, Receive, Scope, Send, answer
from datastream.gateway.body import Disconnected, Intake, Limits, require_objects
from datastream.gateway.keyring import Door, Keyring, NotTaken
from datastream.gateway.metrics import Metrics, Status
from datastream.gateway.problem import Problem, answer_problem, unavailable
from datastream.gateway.writer import Writer

_CHALLENGE: Header = (b"www-authenticate", b"Standard-Webhooks")


class SecretsUnknown(Transient):
    """Nobody can post to a stream, because what is signed with is not known."""


class Webhooks:
    """Takes posts. `trouble` says why none may be taken now, if so."""

    def __init__(
        self,
        keyring: Keyring,
        writer: Writer,
        metrics: Metrics,
        trouble: Callable[[], DatastreamError | None],
        limits: Limits,
        clock: Clock,
    ) -> None:
        self.intake = Intake(limits)
        self._keyring = keyring
        self._writer = writer
        self._metrics = metrics
        self._trouble = trouble
        self._limits = limits
        self._clock = clock

    async def post(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one post and answer it; nobody is answered who has gone."""
        began = self._clock.monotonic()
        try:
            delivery_id, status = await self._take(name, scope, receive)
        except Disconnected:
            return
        except Problem as problem:
            ours = problem.status == HTTPStatus.SERVICE_UNAVAILABLE
            self._count("unavailable" if ours else "refused", began)
            await answer_problem(send, problem)
            return
        self._count(status, began)
        said = b'{"id":%b,"status":"%b"}' % (msgspec.json.encode(delivery_id), status.encode())
        await answer(send, HTTPStatus.ACCEPTED, said, JSON)

    async def _take(self, name: str, scope: Scope, receive: Receive) -> tuple[str, Status]:
        door = self._door(name)
        body = await self.intake.read(scope["headers"], receive)
        try:
            delivery_id = verify(scope["headers"], body, door.keys, door.tolerance, self._clock)
            require_objects(body, self._limits)
            new = await self._writer.append(door.lane(delivery_id), Delivery(delivery_id, body), door.dedup)
        except SignatureWrong as error:
            raise Problem(HTTPStatus.UNAUTHORIZED, str(error), _CHALLENGE) from error
        except Problem:
            raise
        except DatastreamError as error:
            raise unavailable(error) from error
        finally:
            self.intake.release(body)
        return delivery_id, "accepted" if new else "repeat"

    def _door(self, name: str) -> Door:
        try:
            door = self._keyring.door(name)
        except NotTaken as error:
            raise Problem(HTTPStatus.NOT_FOUND, str(error)) from error
        except Transient as error:
            raise unavailable(error) from error
        if trouble := self._trouble():
            raise unavailable(trouble)
        if not door.keys:
            raise unavailable(SecretsUnknown(f"The secrets of {name!r} are not known."))
        return door

    def _count(self, status: Status, began: float) -> None:
        self._metrics.answered(status, self._clock.monotonic() - began)
