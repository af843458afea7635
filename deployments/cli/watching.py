"""The live view of a terminal: the same tables again and again, until Ctrl-C."""

import time
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

EVERY = timedelta(seconds=2)


def watch(show: "Callable[[], RenderableType]", every: timedelta = EVERY) -> None:
    """Draw what `show` returns over what it returned before, until Ctrl-C; what was seen last stays there."""
    from rich.live import Live

    with Live(auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            live.update(show(), refresh=True)
            time.sleep(every.total_seconds())
