"""A stream as its YAML file describes it: where it comes from, what identifies a record, where it lands.

The field names are the file's own; `stream.schema.json` for editors is made from these models.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from datastream.connections import ApiConfig

NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"
"""What a stream or suite may be called: it becomes a folder, a Redis key and a routing key."""

Name = Annotated[str, Field(pattern=NAME)]
Severity = Literal["critical", "warning", "info"]
Action = Literal["quarantine", "warn"]
CursorValue = datetime | int | str


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PageNumber(_Model):
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


class NextLink(_Model):
    """Each answer names the URL of the next page at the path `next`; null, empty or absent ends the window."""

    kind: Literal["next_link"]
    next: str = "next"


class Cursor(_Model):
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


class ApiSpec(_Model):
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


class PartitionBy(_Model):
    """Which folder a row lands in: that of the record's own time, never the time of loading."""

    field: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_ .-]*$")
    grain: Literal["hour", "day", "month", "year"] = "day"


class Batch(_Model):
    """How much goes together: a file holds at most `size` rows, a commit at most `size * per_commit`."""

    size: int = Field(default=1000, ge=1)
    interval: timedelta = timedelta(minutes=5)
    per_commit: int = Field(default=50, ge=1)

    @property
    def rows_per_commit(self) -> int:
        """The most rows that are validated and committed together."""
        return self.size * self.per_commit


class Stream(_Model):
    """One stream: source, identity, landing place and quality rules."""

    name: Name
    source: ApiSpec
    key: list[str] = Field(min_length=1)
    """The fields that identify a record; with the cursor's value they make its `_record_id`."""
    transform: str | None = Field(default=None, pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
    """`module:function`, a pure function of an Arrow table that keeps the column `_record_id`."""
    partition_by: PartitionBy | None = None
    schema_mode: Literal["evolve"] = Field(default="evolve", alias="schema")
    suite: Name
    on_failure: dict[Severity, Action] = {}
    load: Literal["append"] = "append"
    batch: Batch = Batch()
    shards: Literal[1] = 1
    version: str = Field(default="", exclude=True, json_schema_extra={"readOnly": True})
    """A short hash of the file, set when it is read."""

    @field_validator("name")
    @classmethod
    def _is_no_quarantine(cls, value: str) -> str:
        if value.endswith("_quarantine"):
            raise ValueError("names that end in _quarantine are those of what streams set aside")
        return value

    def action(self, severity: str) -> Action:
        """Return what happens to the rows that break an expectation of this severity."""
        default: Action = "quarantine" if severity == "critical" else "warn"
        return {str(key): value for key, value in self.on_failure.items()}.get(severity, default)
