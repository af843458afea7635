"""One event: CloudEvents 1.0, as JSON. The same thing that happened has the same id however often it is published."""

from datetime import datetime
from typing import Any, Self

import msgspec

CONTENT_TYPE = "application/cloudevents+json"
_SOURCE = "/datastream/streams/"
_TYPE = "datastream."


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a stream, with the attributes of CloudEvents."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    data: dict[str, Any]
    specversion: str = "1.0"
    datacontenttype: str = "application/json"

    @classmethod
    def about(cls, stream: str, what: str, **fields: Any) -> Self:
        """Return the event that `what`, one word, happened to a stream."""
        return cls(source=f"{_SOURCE}{stream}", type=f"{_TYPE}{what}", **fields)

    @property
    def routing_key(self) -> str:
        """What queues are bound with: `{stream}.{what happened}`. Neither part holds a dot."""
        return f"{self.source.removeprefix(_SOURCE)}.{self.type.removeprefix(_TYPE)}"

    @property
    def encoded(self) -> bytes:
        """The event as structured CloudEvents JSON."""
        return msgspec.json.encode(self)
