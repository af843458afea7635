"""Where a stream comes from: an API that is asked, or webhooks that are posted."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from datastream.catalog.answers import AnswerRule
from datastream.catalog.hooks import Hooks
from datastream.catalog.model import Model
from datastream.catalog.moments import rounded_down, tells
from datastream.catalog.paginate import Paginate, Place
from datastream.catalog.parent import Parent, fields_in
from datastream.connections import ApiAddress, WebhookConfig

CursorValue = datetime | int | str
Scalar = str | int | float | bool


class Cursor(Model):
    """How the stream moves forward: rows are asked for whose `field` is at least the last greatest value less `lag`."""

    field: str
    """A field of each record, or one within it as `a.b`."""
    param: str
    place: Place = "query"
    until: str | None = None
    """The parameter that takes the window's end, where the API knows one. It goes where `param` goes."""
    initial: CursorValue
    format: str | None = None
    """How the parameters write a time, in UTC: `epoch`, `epoch_ms` or a pattern of strftime; without it in ISO 8601.
    What it cannot tell is rounded down in `param` and up in `until`. Records have their times in it, or in ISO 8601."""
    lag: timedelta = Field(default=timedelta(), ge=timedelta())
    ordered: bool = False
    """The source answers in the order of `field`, so that the cursor moves with each commit."""
    step: timedelta | None = Field(default=None, ge=timedelta(minutes=1))
    """A window is cut into spans of so much time, which do not depend on each other and are read side by side."""

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
    def _only_times_have_them(self) -> Self:
        for name, given in (("lag", self.lag), ("step", self.step), ("format", self.format)):
            if given and not isinstance(self.initial, datetime):
                raise ValueError(f"{name} is about time, and the cursor {self.field!r} is no time; leave {name} out")
        if self.step and not self.until:
            raise ValueError("step cuts windows into spans that end; name until, the parameter for a span's end")
        return self

    @model_validator(mode="after")
    def _format_tells_times(self) -> Self:
        if self.format is None or not isinstance(self.initial, datetime):
            return self
        if not tells(self.format):
            raise ValueError(f"{self.format!r} writes no day; say epoch, epoch_ms or a pattern such as %Y-%m-%d")
        first = rounded_down(self.initial, self.format)
        if self.step and rounded_down(first + self.step, self.format) == first:
            raise ValueError(f"{self.format!r} cannot tell two spans apart; make step longer")
        return self


class ApiSpec(Model):
    """A REST API as a source."""

    kind: Literal["api"]
    block: str | ApiAddress
    """The connection: the name of a Prefect block such as `api-source/flights`, or its fields without secrets."""
    path: str
    method: Literal["GET", "POST"] = "GET"
    params: dict[str, Scalar | list[Scalar]] = Field(default={})
    """What stands in the query; each value of a list stands there by itself."""
    headers: dict[str, str] = Field(default={})
    """Sent with each request, for everybody to see; secrets belong into the block."""
    body: dict[str, Any] | None = None
    """Sent with each request as JSON, or as a form with `form: true`."""
    form: bool = False
    records: str = ""
    """Where the list of records lies in an answer, as `a.b`; empty when the answer is the list itself."""
    format: Literal["json", "object", "jsonl", "csv"] = "json"
    """JSON, JSON whose `records` is one record and no list, one JSON object a line, or CSV with a header. Each may be
    packed with gzip."""
    paginate: Paginate
    cursor: Cursor | None = None
    parent: Parent | None = None
    """The stream for each of whose rows it is asked."""
    hooks: Hooks = Hooks()
    errors: list[AnswerRule] = Field(default=[])
    """What is done with answers that are no page; what none of them fits is taken by its status."""
    max_pages: int = Field(default=100_000, ge=1)
    """A run that meets more pages is ended, so that an API without an end cannot hold it for ever."""

    @field_validator("block", mode="before")
    @classmethod
    def _keeps_no_secret(cls, value: Any) -> Any:
        if isinstance(value, dict) and not {"auth", "client_certificate"}.isdisjoint(value):
            raise ValueError("what lets us in stands in a Prefect block only; save one, and name it: api-source/NAME")
        return value

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        body_wanted = [self.paginate, self.cursor]
        if self.method == "GET" and (self.body or any(getattr(each, "place", "") == "body" for each in body_wanted)):
            raise ValueError("a GET has no body; say method: POST, or place the parameters in the query")
        if self.form and any(_is_nested(value) for value in (self.body or {}).values()):
            raise ValueError("a form has no nested values; leave form out, or flatten the body")
        counted = self.paginate.kind == "offset" or (self.paginate.kind == "page_number" and not self.paginate.total)
        if self.cursor and self.cursor.until and counted:
            raise ValueError(
                "rows that leave a window while its pages are counted would move others to pages already read; leave "
                "until out, or name paginate.total"
            )
        return self

    @model_validator(mode="after")
    def _fits_its_parent(self) -> Self:
        if self.parent is None:
            return self
        if not self.parent_fields:
            raise ValueError(
                f"every row of {self.parent.stream} would ask the same; name one of its fields in braces, such as "
                f"path: {self.path.rstrip('/')}/{{id}}"
            )
        if self.cursor and (self.cursor.step or self.cursor.ordered):
            raise ValueError("each row of the parent is asked for the whole window; leave cursor.step and ordered out")
        return self

    @property
    def parent_fields(self) -> list[str]:
        """The parent's fields that stand in what is asked."""
        return sorted({*fields_in([self.path, self.params, self.headers, self.body])})


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(each, dict | list) for each in value))


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
