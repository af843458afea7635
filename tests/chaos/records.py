"""The records of a chaos run: each is a function of its number, so that every value can be checked where it arrives.

Their own times lie days apart and out of order: some come a week late, some a week early.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

_FIRST = datetime(2026, 3, 1, tzinfo=UTC)
_A_DAY_HOLDS = 300
_MOVED = 14 * 24
_FORM = "%Y-%m-%dT%H:%M:%SZ"


def record(number: int) -> dict[str, Any]:
    """Return the record of a number."""
    return {"id": number, "at": moment(number).strftime(_FORM), "amount": _amount(number), "text": _text(number)}


def moment(number: int) -> datetime:
    """Return a record's own time. One of forty is moved by up to seven days, back or forth."""
    at = _FIRST + timedelta(days=number // _A_DAY_HOLDS, hours=number % 24)
    chance = _chance(number)
    return at + timedelta(hours=chance % _MOVED - _MOVED // 2) if chance % 40 == 0 else at


def differs(number: int, row: dict[str, Any]) -> bool:
    """Tell whether a row that was loaded is not what its record says."""
    wanted = (moment(number), _amount(number), _text(number))
    return (row["at"], row["amount"], row["text"]) != wanted


def numbers(raw: Iterable[str]) -> list[int]:
    """Return the numbers of records as they were received."""
    return [json.loads(text)["id"] for text in raw]


def _amount(number: int) -> int | None:
    return None if number % 17 == 0 else number * 7919 % 900


def _text(number: int) -> str:
    return f"{hashlib.blake2b(str(number).encode(), digest_size=5).hexdigest()} ü\u2028{number % 7}"


def _chance(number: int) -> int:
    return int.from_bytes(hashlib.blake2b(str(-number).encode(), digest_size=4).digest())
