"""A stream as its YAML file describes it: where it comes from, what identifies a record, where it lands.

The field names are the file's own; `stream.schema.json` for editors is made from these models.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from datastream.catalog.model import ENTRY, NAME, Model
from datastream.catalog.moments import is_unix
from datastream.catalog.quality import Quality
from datastream.catalog.schema_spec import SchemaSpec
from datastream.catalog.source import ApiSpec, Cursor, Source
from datastream.catalog.types import TIMESTAMP, text_of
from datastream.catalog.upkeep import Compact, Retention
from datastream.masking import Mask

Name = Annotated[str, Field(pattern=NAME)]
Severity = Literal["critical", "warning", "info"]
Action = Literal["quarantine", "hold", "warn"]
Load = Literal["append", "replace"]


class PartitionBy(Model):
    """Which folder a row lands in: that of the record's own time, never the time of loading."""

    field: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_ .-]*$")
    grain: Literal["hour", "day", "month", "year"] = "day"
    late: Literal["own_partition", "quarantine"] = "own_partition"
    """Where a row lands whose folder had ended, and `lateness` after it too, by the times loaded before its claim."""
    lateness: timedelta = Field(default=timedelta(days=1), ge=timedelta(), le=timedelta(days=36_500))
    most: int = Field(default=1000, ge=1)
    """So many folders a claim may open; the rows of those with the fewest are set aside beyond it."""

    @property
    def folder(self) -> str:
        """What stands before the value in a folder's name. Readers make a column of it: no field may bear the name."""
        return f"{self.field}_{self.grain}"


class Batch(Model):
    """How much goes together: a file holds at most `size` rows, a commit at most `size * per_commit`."""

    size: int = Field(default=1000, ge=1)
    interval: timedelta = timedelta(minutes=5)
    per_commit: int = Field(default=50, ge=1)

    @property
    def rows_per_commit(self) -> int:
        """The most rows that are validated and committed together."""
        return self.size * self.per_commit


class Stream(Model):
    """One stream: source, identity, landing place and quality rules."""

    name: Name
    source: Source
    key: list[str] = Field(default=[], validate_default=True)
    """The fields that identify a record. An API's need them: with the cursor's value they make its `_record_id`."""
    transform: str | None = Field(default=None, pattern=ENTRY)
    """`module:function`, a pure function of an Arrow table that keeps the column `_record_id`."""
    partition_by: PartitionBy | None = None
    schema_spec: SchemaSpec = Field(default=SchemaSpec(), alias="schema")
    suite: Name
    on_failure: dict[Severity, Action] = Field(default={})
    pii: list[str] = Field(default=[])
    """Columns on the lake, and fields as received, of personal data: they are masked wherever rows are shown."""
    set_aside: Literal["failed", "all_unexpected"] = "failed"
    """Whose rows `quarantine` sets aside: those that break a failed rule, or also those that `mostly` tolerates."""
    load: Load = "append"
    """What a pass over an API without a cursor is: more records, or the whole that takes the place of the former."""
    batch: Batch = Batch()
    quality: Quality = Quality()
    shards: int = Field(default=1, ge=1, le=64)
    """Lanes that several workers drain side by side; a post belongs to one by its id."""
    compact: Compact | None = None
    retention: Retention = Retention()
    version: str = Field(default="", exclude=True, json_schema_extra={"readOnly": True})
    """A short hash of the file, set when it is read."""

    @field_validator("name")
    @classmethod
    def _is_no_quarantine(cls, value: str) -> str:
        if value.endswith("_quarantine"):
            raise ValueError("names that end in _quarantine are those of what streams set aside")
        return value

    @field_validator("key")
    @classmethod
    def _tells_records_apart(cls, value: list[str], checked: ValidationInfo) -> list[str]:
        if not value and isinstance(checked.data.get("source"), ApiSpec):
            raise ValueError("name the fields that identify a record of this API")
        return value

    @field_validator("shards")
    @classmethod
    def _can_be_split(cls, value: int, checked: ValidationInfo) -> int:
        if value > 1 and isinstance(checked.data.get("source"), ApiSpec):
            raise ValueError("an API is read window by window, in one lane; leave shards out")
        return value

    @model_validator(mode="after")
    def _is_no_parent_of_itself(self) -> Self:
        if isinstance(self.source, ApiSpec) and self.source.parent and self.source.parent.stream == self.name:
            raise ValueError("it is its own parent, so it would ask for its rows without end; name another stream")
        return self

    @model_validator(mode="after")
    def _holds_no_snapshot(self) -> Self:
        if self.load == "replace" and "hold" in self.on_failure.values():
            raise ValueError(
                "a claim that is held would be missing in its snapshot, and the next pass brings its records again; "
                "in on_failure say quarantine or warn"
            )
        return self

    @field_validator("load")
    @classmethod
    def _is_whole_each_time(cls, value: Load, checked: ValidationInfo) -> Load:
        source = checked.data.get("source")
        if value == "append" or source is None:
            return value
        if not isinstance(source, ApiSpec) or source.cursor is not None:
            raise ValueError("only an API without a cursor brings everything each time; leave load out, or the cursor")
        if source.parent and source.parent.ask == "new":
            raise ValueError("only what is new is asked for, and would take the place of all; say parent.ask: all")
        if any(rule.then == "quarantine" for rule in source.errors):
            raise ValueError(
                "an answer that is set aside ends a pass, and what lay behind it would vanish from the stream; say "
                "retry or fail in source.errors"
            )
        return value

    @field_validator("schema_spec")
    @classmethod
    def _cursor_can_be_compared(cls, value: SchemaSpec, checked: ValidationInfo) -> SchemaSpec:
        source = checked.data.get("source")
        cursor = source.cursor if isinstance(source, ApiSpec) else None
        kind = value.declared.get(cursor.field) if cursor else None
        if cursor and kind and kind not in (fitting := _kinds_of(cursor)):
            raise ValueError(f"the cursor {cursor.field!r} is declared as {kind}; declare it as {' or '.join(fitting)}")
        return value

    @field_validator("retention")
    @classmethod
    def _outlives_repeats(cls, value: Retention, checked: ValidationInfo) -> Retention:
        source = checked.data.get("source")
        if source is None or not (value.data or value.quarantine):
            return value
        if checked.data.get("load") == "replace":
            return value
        if isinstance(source, ApiSpec) and source.cursor is None:
            raise ValueError("an API without a cursor brings everything again, so what expired would be loaded again")
        repeats = source.cursor.lag if isinstance(source, ApiSpec) and source.cursor else getattr(source, "dedup", None)
        for name, kept in (("data", value.data), ("quarantine", value.quarantine)):
            if kept is not None and repeats is not None and kept <= repeats:
                raise ValueError(
                    f"{name} is kept for {kept}, and a record may come again for {repeats}; keep it longer"
                )
        return value

    @property
    def mask(self) -> Mask:
        """What hides personal data where rows are shown."""
        return Mask.of(self.pii)

    @property
    def api(self) -> ApiSpec:
        """The API it is read from. Raises TypeError for a stream that is not read but posted."""
        if not isinstance(self.source, ApiSpec):
            raise TypeError(f"{self.name} is not read from an API")
        return self.source

    def action(self, severity: str) -> Action:
        """Return what happens to the rows that break an expectation of this severity."""
        default: Action = "quarantine" if severity == "critical" else "warn"
        return {str(key): value for key, value in self.on_failure.items()}.get(severity, default)


def _kinds_of(cursor: Cursor) -> tuple[str, ...]:
    """Return the types that a cursor's values may be declared as."""
    if isinstance(cursor.initial, datetime):
        return ("string", text_of(TIMESTAMP), *(("int64", "double") if is_unix(cursor.format) else ()))
    return ("int64",) if isinstance(cursor.initial, int) else ("string",)
