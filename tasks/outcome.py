"""How a run ends that found nothing to do."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from prefect.client.schemas.objects import State
from prefect.states import Completed

from datastream.buffers.lease import LaneBusy

P = ParamSpec("P")
R = TypeVar("R")


def yields_when_busy(body: Callable[P, R]) -> Callable[P, R | State[None]]:
    """End a flow as Completed, with the reason, when another run that is alive drains the same lane."""

    @wraps(body)
    def flow(*args: P.args, **kwargs: P.kwargs) -> R | State[None]:
        try:
            return body(*args, **kwargs)
        except LaneBusy as busy:
            return Completed(message=str(busy), name="Yielded")

    return flow
