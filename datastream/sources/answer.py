"""Takes an answer apart: the records stay raw JSON, and only what the paginator asks for is decoded."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import msgspec

from datastream.auth import Credential
from datastream.errors import DatastreamError, Permanent, Transient
from datastream.sources.decode import elements, is_closed, members
from datastream.sources.request import joined

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list = msgspec.json.Decoder(list[msgspec.Raw])
_anything = msgspec.json.Decoder()
_T = TypeVar("_T")
_UNREADABLE = (msgspec.DecodeError, RecursionError)
_PLACE = re.compile(r"-?\d{1,9}", re.ASCII)
_REL = re.compile(r"""(?:^|[;\s])rel\s*=\s*(?:"(?P<q>[^"]*)"|(?P<t>[^;,\s]+))""", re.IGNORECASE)


class AnswerBroken(Transient):
    """An answer cannot be read, as JSON or unpacked; it may have been cut off on the way."""


class AnswerUnexpected(Permanent):
    """An answer can be read, but is not what was asked for or what the stream says."""


class Answer:
    """One answer of an API."""

    def __init__(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        status: int = 200,
        sent: Credential | None = None,
    ) -> None:
        self.url, self.status = url, status
        self.sent = sent or Credential()
        """What it was asked with, and may have in it."""
        self.headers: Mapping[str, str] = headers or {}
        """By their names, in whatever case."""
        self._body = msgspec.Raw(body)

    @property
    def body(self) -> bytes:
        """What was answered, unpacked."""
        return bytes(self._body)

    @property
    def links(self) -> dict[str, str]:
        """The addresses in the header `Link`, by what each is to this page (RFC 8288)."""
        found = (part.split(";") for part in re.split(r",\s*(?=<)", self.headers.get("Link", "")))
        pairs = ((url.strip().strip("<>"), _REL.search(";".join(rest))) for url, *rest in found)
        return {rel: url for url, match in pairs if match for rel in (match["q"] or match["t"] or "").lower().split()}

    def address(self, link: str) -> str:
        """Return the absolute address of a link in it, without what lets us in; what is no address stays as it is."""
        return self.sent.out_of(joined(self.url, link))

    @contextmanager
    def understood(self) -> Iterator[None]:
        """Keep what lets us in out of the errors that making sense of it raises: it may have been said back to us."""
        try:
            yield
        except DatastreamError as error:
            error.args = tuple(self.sent.hide(arg) if isinstance(arg, str) else arg for arg in error.args)
            raise

    def records(self, path: str) -> list[msgspec.Raw]:
        """Return the records at `path`, each as the bytes that came.

        One record that cannot be decoded, such as one with half a surrogate pair, does not hold up the others: the
        list is then taken apart by its brackets.
        """
        try:
            found = self._at(path)
            return self._missing(path) if found is None else _list.decode(found)
        except msgspec.ValidationError as error:
            raise self._no_list(path) from error
        except _UNREADABLE as error:
            text = self._patiently(path, error)
        if text is None or text[:1] != b"[":
            raise self._no_list(path)
        return [msgspec.Raw(record) for record in elements(text)]

    def record(self, path: str) -> msgspec.Raw:
        """Return the one record at `path`, as the bytes that came."""
        try:
            found = self._at(path)
            text = None if found is None else bytes(found).strip()
        except _UNREADABLE as error:
            text = self._patiently(path, error)
        if text is None:
            self._missing(path)
        if text[:1] != b"{":
            raise AnswerUnexpected(
                f"{self.url} has no object at {path or 'the top'!r}: {self.excerpt()!r}. Correct source.records in the "
                "stream, or say `format: json` where it is a list."
            )
        return msgspec.Raw(text)

    def has(self, path: str) -> bool:
        """Tell whether anything stands at `path`, be it null."""
        try:
            return self._at(path) is not None
        except _UNREADABLE as error:
            return self._patiently(path, error) is not None

    def value(self, path: str) -> Any:
        """Return the decoded value at `path`; None if it is absent.

        A number in a path counts the elements of a list, from 0, or from -1 at its end.
        """
        try:
            found = self._at(path)
            return None if found is None else _anything.decode(found)
        except _UNREADABLE as error:
            text = self._patiently(path, error)
            return None if text is None else json.loads(text)

    def is_null(self, path: str) -> bool:
        """Tell whether null stands at `path`: not that nothing does, or that the body is no JSON."""
        try:
            return self.value(path) is None and self.has(path)
        except (AnswerBroken, ValueError):
            return False

    def value_or_none(self, path: str) -> Any:
        """Return the decoded value at `path`; None if it is absent, or if the body is no JSON."""
        try:
            return self.value(path)
        except (AnswerBroken, ValueError):
            return None

    def _at(self, path: str) -> msgspec.Raw | None:
        here, rest = self._body, path
        while rest:
            try:
                inside = _object.decode(here)
            except msgspec.ValidationError:
                place, rest = _split(rest)
                found = _element(here, place)
            else:
                name, rest = _split(rest, inside.__contains__)
                found = inside.get(name)
            if found is None:
                return None
            here = found
        return here

    def _patiently(self, path: str, reason: Exception) -> bytes | None:
        """Return what stands at `path`, of a body that is JSON but for what a record may be set aside for."""
        here: bytes | None = bytes(self._body).strip()
        try:
            json.loads(bytes(self._body).decode(errors="replace"), parse_int=str, parse_float=str)
        except ValueError as error:
            raise self._broken(reason) from error
        except RecursionError:  # one record may be so deep; what was cut off on the way has too few brackets
            if not is_closed(bytes(self._body)):
                raise self._broken(reason) from None
        rest = path
        while rest and here is not None:
            if here[:1] == b"[":
                place, rest = _split(rest)
                here = _placed(list(elements(here)), place)
                continue
            inside = dict(members(here)) if here[:1] == b"{" else {}
            name, rest = _split(rest, lambda name, inside=inside: _key(name) in inside)  # type: ignore[misc]
            here = inside.get(_key(name))
        return here

    def _missing(self, path: str) -> NoReturn:
        raise AnswerUnexpected(
            f"{self.url} answered without {path!r}, where the stream expects its records: {self.excerpt()!r}. "
            "Correct source.records in the stream, or look at what the API says."
        )

    def _no_list(self, path: str) -> AnswerUnexpected:
        return AnswerUnexpected(
            f"{self.url} has no list of records at {path or 'the top'!r}: {self.excerpt()!r}. "
            "Correct source.records in the stream, or say `format: object` where it is one record; where null is an "
            f"empty list, say `errors: [{{path: '{path}', equals: null, then: ignore}}]`."
        )

    def _broken(self, error: Exception) -> AnswerBroken:
        return AnswerBroken(
            f"{self.url} answered 200 with something that is not JSON ({error}): {self.excerpt()!r}. "
            "If it stays so, ask the API's owner; the cursor has not moved."
        )

    def excerpt(self, most: int = 120) -> str:
        """Return how it begins, for people, without what lets us in."""
        return self.sent.excerpt(self.body, most)


def _split(path: str, is_there: Callable[[str], bool] = lambda _: False) -> tuple[str, str]:
    """Return the first step of a path, and the rest. Names may have dots: the longest that is there counts."""
    steps = path.split(".")
    counts = range(len(steps), 0, -1)
    count = next((count for count in counts if is_there(".".join(steps[:count]))), 1)
    return ".".join(steps[:count]), ".".join(steps[count:])


def _element(here: msgspec.Raw, place: str) -> msgspec.Raw | None:
    if not _PLACE.fullmatch(place):
        return None
    try:
        return _placed(_list.decode(here), place)
    except msgspec.ValidationError:
        return None


def _placed(items: Sequence[_T], place: str) -> _T | None:
    at = int(place) if _PLACE.fullmatch(place) else len(items)
    return items[at] if -len(items) <= at < len(items) else None


def _key(name: str) -> bytes:
    return json.dumps(name).encode()
