"""Where a stream comes from: an API that is asked, or webhooks that are posted."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from datastream.connections import ApiConfig, WebhookConfig

CursorValue = datetime | int | str


class Model(BaseModel):
    """What stands in a stream file: nothing else may stand there, and it does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PageNumber(Model):
    """Pages counted by a parameter. With `total` (a path to the number of pages) they are fetched concurrently."""

    kind: Literal["page_number"]
    param: str = "page"
    first: int = 1
    total: str | None = None
    count: str | None = None
    """A path to the number of rows. When it falls while a window is read, rows have moved, and it is read again."""

    @model_validator(mode="after")
    def _count_needs_total(self) -> Self:
        if self.count and not self.total:
            raise ValueError("count is only looked at with total, the path to the number of pages; name it too")
        return self


class NextLink(Model):
    """Each answer names the URL of the next page at the path `next`; null, empty or absent ends the window."""

    kind: Literal["next_link"]
    next: str = "next"


class Cursor(Model):
    """How the stream moves forward: rows are asked for whose `field` is at least the last greatest value less `lag`."""

    field: str
    param: str
    initial: CursorValue
    lag: timedelta = Field(default=timedelta(), ge=timedelta())
    ordered: bool = False
    """The source answers in the order of `field`, so that the cursor moves with each commit."""

    @field_validator("initial", mode="before")
    @classmethod
    def _is_what_it_seems(cls, value: Any) -> Any:
        if isinstance(value, bool):
            raise ValueError("a cursor is a time, a number or text")  # noqa: TRY004 - pydantic wants ValueError
        if isinstance(value, str) and _reads_as_time(value):
            raise ValueError("it is a time written as text; remove the quotes, so that it is compared as a time")
        if isinstance(value, date) and not isinstance(value, datetime):
            return datetime(value.year, value.month, value.day, tzinfo=UTC)
        return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value

    @model_validator(mode="after")
    def _lag_is_of_time(self) -> Self:
        if self.lag and not isinstance(self.initial, datetime):
            raise ValueError(f"lag is a duration, and the cursor {self.field!r} is no time; leave lag out")
        return self


class ApiSpec(Model):
    """A REST API as a source."""

    kind: Literal["api"]
    block: str | ApiConfig
    """The connection: the name of a Prefect block such as `api-source/flights`, or its fields inline."""
    path: str
    records: str = ""
    """Where the list of records lies in an answer, as `a.b`; empty when the answer is the list itself."""
    params: dict[str, str | int | float | bool] = {}
    paginate: Annotated[PageNumber | NextLink, Field(discriminator="kind")]
    cursor: Cursor | None = None
    max_pages: int = Field(default=100_000, ge=1)
    """A run that meets more pages is ended, so that an API without an end cannot hold it for ever."""


def _reads_as_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return not value.isdigit()


class WebhookSpec(Model):
    """Posts to `/webhooks/{stream}`, signed as Standard Webhooks says. A post is one JSON object, or a list of them."""

    kind: Literal["webhook"]
    block: str | WebhookConfig
    """What posts are signed with: the name of a Prefect block such as `webhook-source/departures`, or its fields."""
    dedup: timedelta = Field(default=timedelta(days=7), gt=timedelta(minutes=10), le=timedelta(days=365))
    """How long a delivery's id is remembered: a repeat within it is answered like the first and kept once."""

    @property
    def cursor(self) -> None:
        """Webhooks have none: they come by themselves."""


Source = Annotated[ApiSpec | WebhookSpec, Field(discriminator="kind")]
