"""What is expected of a stream as a whole, beside what its suite expects of each row. `quality-checks` asks for it."""

from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from datastream.catalog.model import NAME, Model

_YEAR = timedelta(days=366)


class Volume(Model):
    """How many rows are loaded in the last `window`. Without bounds the number is held against what is usual."""

    window: timedelta = Field(default=timedelta(days=1), gt=timedelta(), le=_YEAR)
    least: int | None = Field(default=None, ge=0)
    most: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError(f"least is {self.least} and most is {self.most}; no number is both")
        return self


class Reference(Model):
    """Values of a column that are to stand in another stream."""

    column: str = Field(min_length=1)
    stream: str = Field(pattern=NAME)
    key: str = Field(min_length=1)
    """The other stream's column."""
    missing_at_most: float = Field(default=0.0, ge=0, le=1)
    """The share of the newest rows whose value may be missing there; rows without a value do not count."""


class Quality(Model):
    """What is expected of a stream's commits. What is not named here is held against what is usual, or told only."""

    fresh_within: timedelta | None = Field(default=None, gt=timedelta())
    """Rows were loaded at most so long ago."""
    record_within: timedelta | None = Field(default=None, gt=timedelta())
    """The newest record is at most so old by its own time: the cursor's, or that of the partitions."""
    volume: Volume = Volume()
    quarantined_at_most: float | None = Field(default=None, ge=0, le=1)
    """The share of the rows of the volume's window that may be set aside: 0.05 is one in twenty."""
    duplicates_at_most: float | None = Field(default=None, ge=0, le=1)
    """The share of what was read in the volume's window that may have been there already."""
    schema_mode: Literal["fixed"] | None = Field(default=None, alias="schema")
    """`fixed`: the newest commit has the columns and types that the commits before the volume's window had."""
    references: list[Reference] = Field(default=[], max_length=20)
    learned: bool = True
    """Volume, quarantine, nulls and uniqueness are judged by what is usual where nothing is named; else told only."""
    profile: list[str] | None = Field(default=None, max_length=200)
    """The columns whose nulls and uniqueness are looked at; without it, the first two hundred."""

    @field_validator("references")
    @classmethod
    def _are_told_apart(cls, value: list[Reference]) -> list[Reference]:
        twice = {r.column for r in value if [other.column for other in value].count(r.column) > 1}
        if twice:
            raise ValueError(f"{', '.join(sorted(twice))} refers to more than one stream; name each column once")
        return value
