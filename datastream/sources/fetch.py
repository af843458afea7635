"""Fetches pages on threads that all parts of a window share: as many at a time as the API has connections."""

from collections.abc import Set as AbstractSet
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import msgspec

from datastream.sources.answer import Answer
from datastream.sources.client import ApiClient
from datastream.sources.formats import records_of
from datastream.sources.hooks import Hooked
from datastream.sources.judge import Kind
from datastream.sources.request import Request
from datastream.sources.window import Window

_MOST_SET_ASIDE = 64 * 1024
"""So many characters of an answer that is set aside are kept."""


class Fetched(NamedTuple):
    """An answer, what it is, and the records in it."""

    answer: Answer
    kind: Kind
    records: list[msgspec.Raw]


class Fetcher:
    """An API, the threads that ask it, and what is done with what it answers."""

    def __init__(
        self, client: ApiClient, threads: ThreadPoolExecutor, hooked: Hooked, bare: AbstractSet[str] = frozenset()
    ) -> None:
        self._client, self._threads, self._hooked, self._bare = client, threads, hooked, bare

    @property
    def together(self) -> int:
        """How many pages may be fetched at the same time."""
        return self._client.connections

    def send(self, request: Request, window: Window) -> Future[Fetched]:
        """Fetch a page, soon."""
        return self._threads.submit(self._client.dependency.call, lambda: self._fetch(request, window))

    def _fetch(self, request: Request, window: Window) -> Fetched:
        """Fetch one page and find its records: an answer that is not JSON counts as broken off, and is asked again."""
        answer, kind = self._client.ask(self._hooked.request(request))
        if kind == "quarantine":
            told = {"asked": str(request), "status": answer.status, "answer": answer.excerpt(_MOST_SET_ASIDE)}
            return Fetched(answer, kind, [msgspec.Raw(msgspec.json.encode(told))])
        if kind == "ignore":
            return Fetched(answer, kind, [])
        with answer.understood():
            records = self._hooked.records(answer)
            if records is None:
                records = records_of(answer, window.records, window.format, self._bare)
            return Fetched(answer, kind, records)
