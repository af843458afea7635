"""Takes an answer apart: the records stay raw JSON, and only what the paginator asks for is decoded."""

from typing import Any

import msgspec

from datastream.errors import Permanent, Transient

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list = msgspec.json.Decoder(list[msgspec.Raw])
_anything = msgspec.json.Decoder()


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
        """Return the records at `path`, each as the bytes that came."""
        found = self._at(path)
        try:
            if found is None:
                raise AnswerUnexpected(
                    f"{self.url} answered without {path!r}, where the stream expects its records: "
                    f"{self._excerpt()!r}. Correct source.records in the stream, or look at what the API says."
                )
            return _list.decode(found)
        except msgspec.ValidationError as error:
            raise AnswerUnexpected(
                f"{self.url} has no list of records at {path or 'the top'!r}: {self._excerpt()!r}. "
                "Correct source.records in the stream."
            ) from error
        except msgspec.DecodeError as error:
            raise self._broken(error) from error

    def value(self, path: str) -> Any:
        """Return the decoded value at `path`; None if it is absent."""
        found = self._at(path)
        try:
            return None if found is None else _anything.decode(found)
        except msgspec.DecodeError as error:
            raise self._broken(error) from error

    def _at(self, path: str) -> msgspec.Raw | None:
        here = self._body
        try:
            for name in filter(None, path.split(".")):
                inside = _object.decode(here)
                if name not in inside:
                    return None
                here = inside[name]
        except msgspec.ValidationError:
            return None
        except msgspec.DecodeError as error:
            raise self._broken(error) from error
        return here

    def _broken(self, error: msgspec.DecodeError) -> AnswerBroken:
        return AnswerBroken(
            f"{self.url} answered 200 with something that is not JSON ({error}): {self._excerpt()!r}. "
            "If it stays so, ask the API's owner; the cursor has not moved."
        )

    def _excerpt(self) -> str:
        return bytes(self._body)[:120].decode(errors="replace")
