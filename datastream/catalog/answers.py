"""What is done with answers that are no page, as a stream file says it."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from datastream.catalog.model import Model

Then = Literal["retry", "refresh", "ignore", "fail", "quarantine"]


def _several(value: object) -> object:
    return [value] if isinstance(value, int) else value


class AnswerRule(Model):
    """Answers of a kind, and what is done with them. Of a stream's rules the first that fits an answer counts."""

    status: Annotated[list[Annotated[int, Field(ge=100, le=599)]], BeforeValidator(_several)] = Field(default=[])
    """One status or several. Without it, the rule is asked about every answer, also one that says 200."""
    path: str | None = None
    """Where in the body something stands."""
    equals: str | int | float | bool | None = None
    """What stands there, be it null. Without it, anything but null and false does."""
    contains: str | None = None
    """A text anywhere in the body."""
    wait: str | None = None
    """The header that says how long to wait, in any form of `Retry-After`, or until when in Unix time."""
    then: Then
    """Ask again later; renew the credentials and ask again; take it for the end of the pages; end the run; or set the
    answer aside as a record, and take it for the end of the pages."""

    @property
    def equals_null(self) -> bool:
        """Whether the rule asks for null, which is not the same as asking for nothing."""
        return self.equals is None and "equals" in self.model_fields_set

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if not self.status and self.path is None and self.contains is None:
            raise ValueError("say which answers are meant: status, path or contains")
        if (self.equals is not None or self.equals_null) and self.path is None:
            raise ValueError("equals is held against what stands at path; name it too")
        if self.wait is not None and self.then != "retry":
            raise ValueError("only who asks again waits; say then: retry, or leave wait out")
        if self.then == "ignore" and not self.status and self.path is None:
            raise ValueError("any record may contain a text, and its page would be lost; name status or path too")
        return self
