"""What all models of a stream file have in common."""

from pydantic import BaseModel, ConfigDict

NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"
"""What a stream or suite may be called: it becomes a folder, a Redis key and a routing key."""
ENTRY = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"
"""A function of one's own: `module:function`."""


class Model(BaseModel):
    """What stands in a stream file: nothing else may stand there, and it does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid")
