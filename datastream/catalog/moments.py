"""Writes times as an API wants its parameters, and reads them as its records have them.

A format is a pattern of `strftime`, in UTC, or Unix time: `epoch` in seconds, `epoch_ms` in milliseconds. Many tell no
seconds, or no hours; what is asked for is then rounded outwards, so that nothing in between is left out.
"""

from datetime import UTC, datetime, timedelta

_UNIX = {"epoch": timedelta(seconds=1), "epoch_ms": timedelta(milliseconds=1)}
_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_STEPS = (
    timedelta(), timedelta(milliseconds=1), timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1),
    timedelta(days=1), timedelta(days=31), timedelta(days=366),
)  # fmt: skip
"""What a format may be unable to tell apart, from nothing to a year."""


def is_unix(format_: str | None) -> bool:
    """Tell whether a format writes numbers."""
    return format_ in _UNIX


def written(moment: datetime, format_: str) -> str | int:
    """Return a moment in a format, rounded down."""
    if format_ in _UNIX:
        return (moment - _ZERO) // _UNIX[format_]
    return moment.astimezone(UTC).strftime(format_)


def moment_of(value: object, format_: str) -> datetime | None:
    """Return the moment that a value writes in a format; None if it writes none."""
    try:
        if format_ in _UNIX:
            return None if isinstance(value, bool) else _ZERO + float(value) * _UNIX[format_]  # type: ignore[arg-type]
        moment = datetime.strptime(value, format_)  # type: ignore[arg-type] # noqa: DTZ007 - UTC where it says no zone
    except (TypeError, ValueError, OverflowError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def rounded_down(moment: datetime, format_: str) -> datetime:
    """Return the moment that is sent for one."""
    return moment_of(written(moment, format_), format_) or moment


def rounded_up(moment: datetime, format_: str) -> datetime:
    """Return the next moment that a format can write, or this one."""
    following = (rounded_down(moment + step, format_) for step in _STEPS)
    return next((each for each in following if each >= moment), moment)


def tells(format_: str) -> bool:
    """Tell whether a format writes a day, a month or a year that can be read again."""
    sample = datetime(2026, 11, 22, 13, 44, 55, 678_901, tzinfo=UTC)
    back = moment_of(written(sample, format_), format_)
    return back is not None and timedelta() <= sample - back < _STEPS[-1]
