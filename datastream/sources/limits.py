"""Reads what an answer says of how often its API may be asked.

`Retry-After` (RFC 9110, 10.2.3), and the remaining requests with the end of their window: `RateLimit` and `RateLimit-*`
as in drafts of the IETF (draft-ietf-httpapi-ratelimit-headers), `X-RateLimit-*` and `X-Rate-Limit-*` as APIs have it.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from operator import itemgetter

from datastream.resilience.budget import Said

_PREFIXES = ("RateLimit", "X-RateLimit", "X-Rate-Limit")
_A_MOMENT = 10**9
"""A reset above it is a moment in Unix time and not a number of seconds; above a thousand times it, in milliseconds."""
_LONGEST = timedelta(days=1)
"""What asks for more is taken for this: a slip of the other side must not stop a stream for years."""
_SLOW_DOWN = frozenset({429, 503})
_LEFT = re.compile(r"\b(?:r|remaining)\s*=\s*(\d{1,18})", re.ASCII)
_ENDS = re.compile(r"\b(?:t|reset)\s*=\s*(\d{1,18})", re.ASCII)


def said_by(status: int, headers: Mapping[str, str], now: datetime) -> Said:
    """Return what an answer says of its budget."""
    rest = wait_of(headers.get("Retry-After"), now) if status in _SLOW_DOWN else None
    for remaining, reset in _windows(headers, now):
        if remaining.isdigit():
            return Said(rest, int(remaining), reset)
        if rest is None and status in _SLOW_DOWN:
            rest = reset
    return Said(rest)


def _windows(headers: Mapping[str, str], now: datetime) -> Iterator[tuple[str, timedelta]]:
    """Yield how many requests remain, as far as it is said, and how long their window lasts; the fewest first."""
    text = headers.get("RateLimit", "")
    parts = [text] if "remaining" in text else text.split(",")  # the whole is one window in earlier drafts
    found = [(_LEFT.search(part), _ENDS.search(part)) for part in parts]
    told = [(int(left[1]), wait_of(ends[1], now)) for left, ends in found if left and ends]
    for remaining, reset in sorted(told, key=itemgetter(0)):
        if reset:
            yield str(remaining), reset
    for prefix in _PREFIXES:
        if reset := wait_of(headers.get(f"{prefix}-Reset"), now):
            yield headers.get(f"{prefix}-Remaining", "").strip(), reset


def wait_of(value: str | None, now: datetime) -> timedelta | None:
    """Return how long a header asks to wait, given in seconds, as a date or in Unix time; None if it does not."""
    text = (value or "").strip()
    try:
        number = float(text)
    except ValueError:
        return _until(text, now)
    if not 0 <= number < _A_MOMENT**2:
        return _LONGEST if text.isdigit() else None
    if number > _A_MOMENT:
        number = (number / 1000 if number > 1000 * _A_MOMENT else number) - now.timestamp()
    return min(max(timedelta(seconds=min(number, _LONGEST.total_seconds())), timedelta()), _LONGEST)


def _until(text: str, now: datetime) -> timedelta | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(text)
        except (ValueError, TypeError, OverflowError):
            continue
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return min(max(timedelta(), moment - now), _LONGEST)
    return None
