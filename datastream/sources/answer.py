"""Takes an answer apart: the records stay raw JSON, and only what the paginator asks for is decoded."""

import json
from typing import Any, NoReturn

import msgspec

from datastream.errors import Permanent, Transient
from datastream.sources.decode import elements, is_closed, members

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list = msgspec.json.Decoder(list[msgspec.Raw])
_anything = msgspec.json.Decoder()
_UNREADABLE = (msgspec.DecodeError, RecursionError)


class AnswerBroken(Transient):
    """An answer is not JSON; it may have been cut off on the way."""


class AnswerUnexpected(Permanent):
    """An answer is JSON, but not what the stream says."""


class Answer:
    """One answer of an API."""

    def __init__(self, url: str, body: bytes) -> None:
        self.url = url
        self._body = msgspec.Raw(body)

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

    def value(self, path: str) -> Any:
        """Return the decoded value at `path`; None if it is absent."""
        try:
            found = self._at(path)
            return None if found is None else _anything.decode(found)
        except _UNREADABLE as error:
            text = self._patiently(path, error)
            return None if text is None else json.loads(text)

    def _at(self, path: str) -> msgspec.Raw | None:
        here = self._body
        for name in filter(None, path.split(".")):
            try:
                inside = _object.decode(here)
            except msgspec.ValidationError:
                return None
            if name not in inside:
                return None
            here = inside[name]
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
        for name in filter(None, path.split(".")):
            here = dict(members(here)).get(json.dumps(name).encode()) if here and here[:1] == b"{" else None
        return here

    def _missing(self, path: str) -> NoReturn:
        raise AnswerUnexpected(
            f"{self.url} answered without {path!r}, where the stream expects its records: {self._excerpt()!r}. "
            "Correct source.records in the stream, or look at what the API says."
        )

    def _no_list(self, path: str) -> AnswerUnexpected:
        return AnswerUnexpected(
            f"{self.url} has no list of records at {path or 'the top'!r}: {self._excerpt()!r}. "
            "Correct source.records in the stream."
        )

    def _broken(self, error: Exception) -> AnswerBroken:
        return AnswerBroken(
            f"{self.url} answered 200 with something that is not JSON ({error}): {self._excerpt()!r}. "
            "If it stays so, ask the API's owner; the cursor has not moved."
        )

    def _excerpt(self) -> str:
        return bytes(self._body)[:120].decode(errors="replace")
