"""Functions of one's own, where what a stream file can say ends. Each is named as `module:function`."""

from pydantic import Field

from datastream.catalog.model import ENTRY, Model


class Hooks(Model):
    """What is called on the way of a request and of its answer."""

    request: str | None = Field(default=None, pattern=ENTRY)
    """Returns what is sent instead of a `Request`: it may sign it, or change anything but its host."""
    records: str | None = Field(default=None, pattern=ENTRY)
    """Returns the records in an answer's bytes, each a dict: for formats that are not ours."""
