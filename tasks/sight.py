"""Keeps a run in sight of `datastream keeper`, which tells a run whose process is gone from one that is busy."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from datastream.buffers.presence import Ending, in_sight
from datastream.errors import DatastreamError
from datastream.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")


def seen_at_work(body: Callable[P, R]) -> Callable[P, R]:
    """Have the process of a run be seen while `body` works, and leave word of its end.

    So a server that is away when the run ends can be told later. Of a run that was killed or is to be cancelled there
    is no such word.
    """

    @wraps(body)
    def flow(*args: P.args, **kwargs: P.kwargs) -> R:
        with in_sight(Settings.read().buffer, flow_run.id) as told:
            try:
                result = body(*args, **kwargs)
            except Exception as error:
                told.ending = Ending("FAILED", "Failed", _said(error))
                raise
            state = result if isinstance(result, State) else Completed()
            told.ending = Ending(state.type.value, state.name or "", state.message or "")
            return result

    return flow


def _said(error: Exception) -> str:
    what = str(error) if isinstance(error, DatastreamError) else type(error).__name__
    return f"It ended with an error: {what}"
