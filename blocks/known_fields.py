"""Refuses what is no field of a block. Prefect's own base class takes whatever it is given, and keeps it unread."""

from typing import Any

from pydantic import BaseModel, model_validator

_PREFECTS_OWN = ("block_type_slug", "_")
"""How the names begin that Prefect writes beside the fields of a block."""


class KnownFields(BaseModel):
    """A block that takes its own fields alone.

    Not `extra="forbid"`: that refuses what Prefect writes beside the fields, and changes the schema of blocks that are
    saved already.
    """

    @model_validator(mode="before")
    @classmethod
    def _are_known(cls, value: Any) -> Any:
        if isinstance(value, dict):
            unknown = [name for name in value if name not in cls.model_fields and not name.startswith(_PREFECTS_OWN)]
            if unknown:
                raise ValueError(
                    f"{', '.join(map(repr, unknown))}: no field of {cls.__name__}, which has "
                    f"{', '.join(cls.model_fields)}. Correct the name, or leave it out"
                )
        return value
