"""Calls the functions of one's own that a stream's source names, and holds them to what they promise.

They are called from several threads. What they raise ends the run with a sentence; the cursor has not moved.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from datastream.catalog import Hooks
from datastream.entry import imported
from datastream.errors import Permanent
from datastream.sources.answer import Answer
from datastream.sources.request import Request, same_host

Change = Callable[[Request], Request]
Extract = Callable[[Answer], list[msgspec.Raw]]


class HookMissing(Permanent):
    """The stream names a hook that cannot be imported."""


class HookFailed(Permanent):
    """A hook raised an error, or returned something else than it promises."""


class Hooked:
    """A stream's hooks, imported."""

    def __init__(self, hooks: Hooks) -> None:
        self._names = hooks
        self._request = _function(hooks.request, "hooks.request")
        self._records = _function(hooks.records, "hooks.records")

    def request(self, request: Request) -> Request:
        """Return what is to be sent instead. Raises HookFailed."""
        if self._request is None:
            return request
        # A copy: the window shares its headers with each request, and keeps them in manifests.
        own = msgspec.structs.replace(request, headers=dict(request.headers))
        changed = called(self._names.request, self._request, own)
        if not isinstance(changed, Request):
            raise _wrong(self._names.request, f"{type(changed).__name__} and not a Request", request)
        if wrong := _not_as_declared(changed):
            raise _wrong(self._names.request, f"a Request {wrong}", request)
        if not same_host(changed.url, request.url):
            raise _wrong(self._names.request, f"an address on another host, {changed.url}", request)
        return changed

    def records(self, answer: Answer) -> list[msgspec.Raw] | None:
        """Return the records in an answer; None where no hook says so. Raises HookFailed."""
        if self._records is None:
            return None
        found = called(self._names.records, self._records, answer.body)
        if isinstance(found, Mapping | str | bytes) or not isinstance(found, Iterable):
            raise _wrong(self._names.records, f"{type(found).__name__} and not a list of dicts", answer.url)
        try:
            return [msgspec.Raw(msgspec.json.encode(record)) for record in found]
        except (Exception, SystemExit) as error:  # a generator of the user's and a record's encoding may raise anything
            raise _raised(self._names.records, error, answer.url) from error


def called(name: str | None, function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a hook returns. Raises HookFailed."""
    try:
        return function(*arguments)
    except (Exception, SystemExit) as error:  # a user's function may raise anything; it is told as what it is
        about = arguments[0]
        raise _raised(name, error, about.url if isinstance(about, Answer) else about) from error


def function_of(name: str, what: str) -> Callable[..., Any]:
    """Return a hook. Raises HookMissing."""
    return imported(name, what, HookMissing).function


def _function(name: str | None, what: str) -> Callable[..., Any] | None:
    return None if name is None else function_of(name, what)


def _not_as_declared(request: Request) -> str | None:
    """Return what of a request is of another type than it says; None if nothing is."""
    if not isinstance(request.url, str) or not isinstance(request.method, str):
        return "whose url and method are not both text"
    headers = request.headers
    if not isinstance(headers, dict) or not all(isinstance(text, str) for pair in headers.items() for text in pair):
        return "whose headers are no dict of texts"
    return None if isinstance(request.body, bytes | None) else "whose body is not bytes"


def _raised(name: str | None, error: BaseException, about: object) -> HookFailed:
    return HookFailed(
        f"The hook {name!r} raised {type(error).__name__}: {error}{_at(about)}. Mend it; the cursor has not moved."
    )


def _wrong(name: str | None, what: str, about: object) -> HookFailed:
    return HookFailed(f"The hook {name!r} returned {what}{_at(about)}. Mend it; the cursor has not moved.")


def _at(about: object) -> str:
    return "" if isinstance(about, bytes) else f", at {about}"
