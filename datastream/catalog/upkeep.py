"""How a stream's files are kept: put together when their time is over, and let go when they are old. On request."""

from datetime import timedelta

from pydantic import Field

from datastream.catalog.model import Model

_MIB = 1024 * 1024


class Compact(Model):
    """Small files of a partition that is over become large ones; without partitions, those of old commits."""

    target_bytes: int = Field(default=128 * _MIB, ge=1)
    """Files smaller than this are put together, to files of about this size."""
    target_rows: int | None = Field(default=None, ge=1)
    """A file has at most so many rows."""
    after: timedelta = Field(default=timedelta(days=1), ge=timedelta())
    """So long after its end a partition still gets late records and is left alone."""


class Retention(Model):
    """How long what was committed is kept, by the time of its commit; what is not named here is kept for ever.

    Of a stream with `load: replace`: how long what a newer snapshot took the place of is kept; a day, if not named.
    """

    data: timedelta | None = Field(default=None, gt=timedelta())
    quarantine: timedelta | None = Field(default=None, gt=timedelta())
    log: timedelta | None = Field(default=None, gt=timedelta())
    """Of commits none of whose rows is there any more; their accounts stay, as a sum."""


class Upkeep(Model):
    """How the files of something are kept that no stream file describes."""

    name: str
    compact: Compact | None
    retention: Retention


QUALITY_UPKEEP = Upkeep(
    name="_quality", compact=Compact(), retention=Retention(data=timedelta(days=90), log=timedelta(days=1))
)
"""Of what checks said. What is known of a stream is in its newest commit, which stays."""
