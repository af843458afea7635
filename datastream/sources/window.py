"""A window: what one pass over an API asks for. It and every request parameter are fixed when it opens.

The cursor moves when the window is read to its end, never before: an API need not answer in the cursor's order. A
window may be made of parts (`datastream.sources.parts`): spans of its time, or calls for rows of a parent stream.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

from datastream.catalog import Cursor, CursorValue, Place, Stream
from datastream.catalog.moments import moment_of, rounded_up, written
from datastream.sources.request import Question

Position = dict[str, Any]
"""Where a paginator stands, as JSON. What it holds is the paginator's own affair."""


class Names(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the cursor's parameters go, and how they are written."""

    place: Place
    since: str
    until: str | None = None
    format: str | None = None
    """How times are written; ISO 8601 without it."""

    def sent(self, since: str | int | None, until: str | int | None) -> tuple[str | int | None, str | int | None]:
        """Return the window's ends as they are sent, with everything in between them."""
        if self.format is None or not isinstance(since, str):
            return since, until
        first = written(datetime.fromisoformat(since), self.format)
        if not isinstance(until, str):
            return first, None
        return first, written(rounded_up(datetime.fromisoformat(until), self.format), self.format)


class Asked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """For which rows of a parent stream a window asks: those that lie in its lanes up to a commit of each."""

    stream: str
    upto: dict[str, int]
    after: dict[str, int] = {}
    """Rows of later commits than these are new to the child."""
    all: bool = False
    """The others are asked for too."""
    initial: str | int | None = None
    """Where the cursor begins for new rows, whose children may be older than the cursor."""
    include: dict[str, str] = {}


class Window(Question, frozen=True, kw_only=True, omit_defaults=True):
    """One pass over an API, as each manifest keeps it: what is asked, but for the page's parameters, and how far."""

    since: str | int | None
    """The smallest cursor value asked for; None for a stream without a cursor."""
    until: str | int | None
    """The cursor goes no further than this, however great a value the source answers."""
    records: str
    format: str = "json"
    paginate: dict[str, Any]
    """With what is asked it is the question: a changed stream file does not mix two in one window."""
    greatest: str | int | None = None
    """The greatest cursor value read so far."""
    names: Names | None = None
    step: float | None = None
    """The window's parts are spans of so many seconds."""
    parent: Asked | None = None
    """The window's parts are calls for rows of another stream."""

    @property
    def label(self) -> str:
        """The window for people."""
        return "everything" if self.since is None else f"since {self.since}"

    def between(self, since: str | int | None, until: str | int | None) -> "Window":
        """Return the window that asks from `since` up to `until`."""
        window: Window = msgspec.structs.replace(self, since=since, until=until)
        names = self.names
        if names is None:
            return window
        first, last = names.sent(since, until)
        return window.with_(names.place, names.since, first).with_(names.place, names.until, last)

    def without(self, spec: Cursor | None) -> "Window":
        """Return what the window asks, but for where it begins and ends."""
        parent = self.parent and msgspec.structs.replace(self.parent, upto={}, after={})
        written_as = self.names.format if self.names else None
        names = Names(place="query", since="", format=written_as) if written_as else None
        plain: Window = msgspec.structs.replace(
            self, since=None, until=None, greatest=None, names=names, step=None, parent=parent
        )
        return plain if spec is None else plain.with_(spec.place, spec.param, "").with_(spec.place, spec.until, "")


def to_wire(value: CursorValue) -> str | int:
    """Return a cursor value as it is kept, and sent if no format says otherwise: times in ISO 8601, UTC, with Z."""
    if isinstance(value, datetime):
        text = value.astimezone(UTC).isoformat(timespec="microseconds" if value.microsecond else "seconds")
        return text.replace("+00:00", "Z")
    return value


def from_wire(value: object, like: CursorValue, format_: str | None = None) -> CursorValue | None:
    """Return a cursor value of the kind of `like`; None if `value` is not one. A column may hold times as times."""
    if isinstance(like, datetime):
        if format_ is not None and (read := moment_of(value, format_)) is not None:
            return read
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else value
            moment = moment if isinstance(moment, datetime) else None
            if moment is not None:
                moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            return None
        return moment
    if isinstance(value, type(like)) and not isinstance(value, bool):
        return value
    return None


def open_window(stream: Stream, cursor: str | int | None, now: datetime, parent: Asked | None = None) -> Window:
    """Return the next window of a stream whose cursor stands at `cursor` (None: it has never been read)."""
    source, spec = stream.api, stream.api.cursor
    asked = Window(
        path=source.path, method=source.method, params=dict(source.params), headers=dict(source.headers),
        body=source.body, form=source.form, records=source.records, format=source.format,
        paginate=source.paginate.model_dump(), since=None, until=None, parent=parent,
    )  # fmt: skip
    if spec is None:
        return asked
    since = to_wire(_start(spec, cursor))
    until = to_wire(now) if isinstance(spec.initial, datetime) else None
    names = Names(place=spec.place, since=spec.param, until=spec.until, format=spec.format)
    step = spec.step.total_seconds() if spec.step else None
    window: Window = msgspec.structs.replace(asked, names=names, step=step)
    return window.between(since, until)


def _start(spec: Cursor, cursor: str | int | None) -> CursorValue:
    value = from_wire(cursor, spec.initial)
    if value is None:
        return spec.initial
    if isinstance(value, datetime):
        return max(value - spec.lag, _as_time(spec.initial))
    return value


def _as_time(value: CursorValue) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError(f"{value!r} is not a time")
    return value


def cursor_after(window: Window, spec: Cursor) -> str | int | None:
    """Return where the cursor stands once `window` is read: the greatest value seen, but not beyond `until`."""
    greatest, until = from_wire(window.greatest, spec.initial), from_wire(window.until, spec.initial)
    if greatest is None:
        return window.greatest
    return to_wire(greatest if until is None else min(greatest, until))
