"""What all models of a stream file have in common."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """What stands in a stream file: nothing else may stand there, and it does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid")
