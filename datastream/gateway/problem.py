"""Answers to what cannot be done: `application/problem+json` (RFC 9457), each with a sentence and a way out.

Two kinds reach a sender: 4xx, its own to mend, and 503 with Retry-After, ours. No stack and no secret is in them.
"""

import logging
import math
import secrets
from datetime import timedelta
from http import HTTPStatus

import msgspec

from datastream.errors import DatastreamError, Transient
from datastream.gateway.asgi import Header, Send, answer

logger = logging.getLogger(__name__)

_LINES_A_SECOND = 10
_COME_BACK = timedelta(seconds=5)
_PROBLEM_JSON: Header = (b"content-type", b"application/problem+json")


class FewLines(logging.Filter):
    """Lets some lines of each second through: refusing must not fill the disk."""

    def __init__(self) -> None:
        super().__init__()
        self._second = self._lines = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the line is written."""
        second = int(record.created)
        self._lines = self._lines + 1 if second == self._second else 1
        self._second = second
        return self._lines <= _LINES_A_SECOND


class Problem(DatastreamError):
    """A request that is not done, and the answer it gets."""

    def __init__(self, status: HTTPStatus, detail: str, *headers: Header) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers


def unavailable(error: DatastreamError) -> Problem:
    """Return the answer to who did nothing wrong and must come again. The cause is not the sender's business."""
    logger.info("A post is not taken: %s", error)
    wait = (error.retry_after if isinstance(error, Transient) else None) or _COME_BACK
    seconds = max(1, math.ceil(wait.total_seconds()))
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"The post cannot be kept safely now, and may not have been kept. Send it again in {seconds} s, with the same "
        "webhook-id.",
        (b"retry-after", b"%d" % seconds),
    )


async def answer_problem(send: Send, problem: Problem) -> None:
    """Send it, under an id by which it is found in the log, unless so many are refused that the log leaves some out."""
    request_id = secrets.token_hex(8)
    logger.info("%s answered %d: %s", request_id, problem.status, problem)
    said = {
        "type": f"urn:datastream:problem:{problem.status.name.lower().replace('_', '-')}",
        "title": problem.status.phrase,
        "status": int(problem.status),
        "detail": str(problem),
        "request_id": request_id,
    }
    await answer(send, problem.status, msgspec.json.encode(said), _PROBLEM_JSON, *problem.headers)
