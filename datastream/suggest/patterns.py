"""What texts look like: ids, addresses, times and codes, as the regular expression that every one of them matches.

Each is written so that RE2, which looks for it here, and Python's `re`, which Great Expectations uses, read it alike.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow.compute as pc

from datastream.suggest.columns import Column

_LEAST_ROWS = 30
_LONGEST, _LONGEST_CODE = 512, 8
_DATE = "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = "(?:[01][0-9]|2[0-4]):[0-5][0-9](?::[0-6][0-9](?:[.,][0-9]+)?)?"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression, what it stands for, and how many different values it takes to believe in it."""

    name: str
    regex: str
    least_distinct: int = 3

    @property
    def known(self) -> bool:
        """Tell whether it is a form that the world has agreed on, rather than one that these texts share."""
        return self in _KNOWN

    @property
    def when(self) -> bool:
        """Tell whether it is a time: two rows may share one, though none did."""
        return self.name in ("a date", "a time")

    @property
    def identifies(self) -> bool:
        """Tell whether values of this look are made to differ."""
        return self.name in ("a UUID", "a ULID")


_KNOWN = (
    Pattern("a UUID", "^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"),
    Pattern("a ULID", "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"),
    Pattern("an email address", r"^[^@\s]+@[^@\s]+\.[^@\s]+$"),
    Pattern("a date", f"^{_DATE}$"),
    Pattern("a time", f"^{_DATE}[T ]{_CLOCK}(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})?$"),
    Pattern("a web address", r"^https?://[^\s/]+[^\s]*$"),
    Pattern("an IP address", r"^(?:[0-9]{1,3}\.){3}[0-9]{1,3}$"),
)


def pattern_of(column: Column) -> Pattern | None:
    """Return the first pattern that all texts of a column match, the narrowest first; None without enough of them."""
    least, longest = column.lengths
    if len(column.present) < _LEAST_ROWS or not least or longest > _LONGEST:
        return None
    for pattern in (*_KNOWN, *_made(column, least, longest)):
        if column.distinct >= pattern.least_distinct and _all(column, pattern.regex):
            return pattern
    return None


def _made(column: Column, least: int, longest: int) -> Iterator[Pattern]:
    """Yield what may be made of these texts. That no letter stood among ten codes does not say that none will."""
    times = f"{{{least}}}" if least == longest else "+"
    if least == longest and longest >= 2 * _LONGEST_CODE:
        yield Pattern("hexadecimal", f"^[0-9a-f]{times}$", 20)
    ends = pc.min_max(column.present).as_py()  # what these two begin with, all between them begin with
    prefix = _shared(ends["min"], ends["max"])
    if prefix and not column.hidden:
        yield Pattern(f"{prefix} and digits", f"^{re.escape(prefix)}[0-9]{_digits(prefix, least, longest)}$", 20)
    yield Pattern("digits", f"^[0-9]{times}$", 20)
    if least == longest <= _LONGEST_CODE:
        yield Pattern("a code of capitals", f"^[A-Z]{times}$", 20)
        yield Pattern("a code of small letters", f"^[a-z]{times}$", 20)
        yield Pattern("a code of capitals and digits", f"^[A-Z0-9]{times}$", 10)


def _shared(one: str, other: str) -> str:
    """Return what two texts begin with, up to its last sign that is no digit."""
    same = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[:same].rstrip("0123456789")


def _digits(prefix: str, least: int, longest: int) -> str:
    return f"{{{least - len(prefix)}}}" if least == longest else "+"


def _all(column: Column, regex: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(column.present, regex)).as_py())
