"""What a request may ask for, read from the query string. Anything it cannot mean is a sentence, never a guess."""

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs

from datastream.errors import Permanent

PAGE_SIZE_MAX = 1000


class BadParameter(Permanent):
    """A query parameter that means nothing here."""

    def __init__(self, name: str, value: str, wanted: str) -> None:
        super().__init__(f"Parameter {name}={value!r} is not {wanted}.")


@dataclass(frozen=True, slots=True)
class Query:
    """One request's parameters; `since` is in seconds of UTC, and kept as written for links."""

    page: int
    page_size: int
    cursor: int
    since: float | None
    since_text: str


def parse(query_string: bytes) -> Query:
    """Read the parameters; unknown ones are ignored, wrong ones raise BadParameter."""
    given = parse_qs(query_string.decode("latin-1"), keep_blank_values=True)
    values = {name: repeated[-1] for name, repeated in given.items()}
    since = values.get("since", "")
    return Query(
        page=_whole("page", values.get("page", "1"), least=1),
        page_size=_whole("page_size", values.get("page_size", str(PAGE_SIZE_MAX)), least=1, most=PAGE_SIZE_MAX),
        cursor=_whole("cursor", values.get("cursor", "0"), least=0),
        since=_moment("since", since) if "since" in values else None,
        since_text=since,
    )


def _whole(name: str, value: str, *, least: int, most: int | None = None) -> int:
    bounds = f"from {least} to {most}" if most else f"from {least} on"
    digits = 18  # the largest of them still fits the 64 bits that positions are counted in
    if not (value.isascii() and value.isdigit() and len(value) <= digits):
        raise BadParameter(name, value, f"a whole number {bounds}")
    number = int(value)
    if number < least or (most and number > most):
        raise BadParameter(name, value, f"a whole number {bounds}")
    return number


def _moment(name: str, value: str) -> float:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        wanted = "a time like 2013-01-01T10:00:00Z (a plus sign must be sent as %2B)"
        raise BadParameter(name, value, wanted) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
