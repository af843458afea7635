"""Asks a Prefect server as its own client does: what is answered with 503 is asked again."""

from typing import Any

import urllib3
from urllib3.util import Retry

# SQLite has one writer: who waits too long for it is answered with 503, and means come again.
_AGAIN = Retry(status=8, status_forcelist=[503], allowed_methods=None, backoff_factor=0.1)
_PATIENT = urllib3.PoolManager(retries=_AGAIN)


def ask(method: str, url: str, wanted: object = None) -> Any:
    """Return what the server answers, None for an answer without a body. Whatever it refuses fails the test."""
    answer = _PATIENT.request(method, url, json=wanted)
    assert answer.status < 300, f"{method} {url}: {answer.status} {answer.data.decode()}"
    return answer.json() if answer.data else None
