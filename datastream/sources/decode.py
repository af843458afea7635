"""Decodes one JSON record without changing a value: numbers keep their digits, and a key that stands twice is seen.

It is stricter than JSON's readers use to be, and tells what is wrong in a few words.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

_SURELY_EXACT = 15
"""So many characters of a number without an exponent always come back from a double as they went in."""
_decode_raw = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{}]|[^\s"\[\]{},:]+|,', re.DOTALL)


class Odd(ValueError):
    """A record is not what a record has to be; it says why in a few words that hold no value.

    `general` says it without a name that the record chose itself, of which there may be any number.
    """

    def __init__(self, reason: str, general: str | None = None) -> None:
        super().__init__(reason)
        self.general = general or reason


@dataclass(frozen=True, slots=True)
class Twice:
    """An object in which a key stands more than once, and that key."""

    key: str


def decode(record: msgspec.Raw) -> Any:
    """Return the value of a JSON text: a number that a double would round is a Decimal. Raises Odd."""
    try:
        return _decoded(bytes(record).decode())
    except UnicodeDecodeError:
        raise Odd("not UTF-8") from None
    except json.JSONDecodeError:
        raise Odd("not JSON") from None
    except RecursionError:
        raise Odd("nested too deeply") from None


def _decoded(text: str) -> Any:
    try:
        return _decoder.decode(text)
    except (json.JSONDecodeError, Odd):
        raise
    except ValueError:  # Python reads no whole number of more than 4,300 digits
        return _patient.decode(text)


def is_exact(token: str) -> bool:
    """Tell whether a double keeps the number that `token` writes."""
    return not isinstance(_number(token), Decimal)


def _number(token: str) -> float | Decimal:
    value = float(token)
    if (len(token) <= _SURELY_EXACT and "e" not in token and "E" not in token) or repr(value) == token:
        return value
    try:
        exact = Decimal(token)
    except InvalidOperation:  # an exponent of twenty digits
        return Decimal("NaN")
    return value if Decimal(repr(value)) == exact else exact


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Twice:
    row = dict(pairs)
    if len(row) == len(pairs):
        return row
    return Twice(Counter(key for key, _ in pairs).most_common(1)[0][0])


def _constant(name: str) -> None:
    raise Odd(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_float=_number, parse_constant=_constant, object_pairs_hook=_object)
_patient = json.JSONDecoder(parse_float=_number, parse_int=Decimal, parse_constant=_constant, object_pairs_hook=_object)


def texts(record: msgspec.Raw) -> dict[str, msgspec.Raw]:
    """Return the values of a JSON object as the texts that came. The object has been decoded before."""
    try:
        return _decode_raw(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {json.loads(key): msgspec.Raw(value) for key, value in members(bytes(record))}


def members(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a JSON object as they stand there. What is no JSON yields anything."""
    parts = iter(elements(text))
    for key in parts:
        yield key, next(parts, b"null")


def elements(text: bytes) -> Iterator[bytes]:
    """Yield the elements of a JSON list as they stand there; of an object, each key and then its value."""
    depth, start = 0, 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in b"[{":
            depth += 1
            start = match.start() if depth == 2 else start  # noqa: PLR2004 - the outermost bracket is the list's own
        elif token in b"]}":
            depth -= 1
            if depth == 1:
                yield text[start : match.end()]
        elif depth == 1 and token != b",":
            yield token


def is_closed(text: bytes) -> bool:
    """Tell whether as many brackets are closed as are opened."""
    found = Counter(match[0] for match in _TOKEN.finditer(text))
    return found[b"["] == found[b"]"] and found[b"{"] == found[b"}"] and text.rstrip()[-1:] in (b"]", b"}")
