"""What is expected of a stream as a whole, beside what its suite expects of each row. `quality-checks` asks for it."""

from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from datastream.catalog.model import Model

_YEAR = timedelta(days=366)


class Volume(Model):
    """How many rows are loaded in the last `window`. Without bounds the number is told and not judged."""

    window: timedelta = Field(default=timedelta(days=1), gt=timedelta(), le=_YEAR)
    least: int | None = Field(default=None, ge=0)
    most: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError(f"least is {self.least} and most is {self.most}; no number is both")
        return self


class Quality(Model):
    """What is expected of a stream's commits; what is not named here is told and not judged."""

    fresh_within: timedelta | None = Field(default=None, gt=timedelta())
    """Rows were loaded at most so long ago."""
    volume: Volume = Volume()
    quarantined_at_most: float | None = Field(default=None, ge=0, le=1)
    """The share of the rows of the volume's window that may be set aside: 0.05 is one in twenty."""
    schema_mode: Literal["fixed"] | None = Field(default=None, alias="schema")
    """`fixed`: the newest commit has the columns and types that the commits before the volume's window had."""
