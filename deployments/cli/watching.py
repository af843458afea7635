"""The live view of a terminal: the same picture again and again, until Ctrl-C."""

import os
import signal
import sys
import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType
    from rich.live import Live

EVERY = timedelta(seconds=2)
_ENDED = 128 + signal.SIGTERM


def can_watch() -> bool:
    """Tell whether there is a terminal that can be drawn over."""
    from rich.console import Console

    return sys.stdout.isatty() and not Console().is_dumb_terminal


def watch(show: "Callable[[], RenderableType]", every: timedelta = EVERY) -> None:
    """Draw what `show` returns on a screen of its own, until Ctrl-C; the terminal then is as before, and shows it."""
    from rich.console import Console
    from rich.live import Live

    console, seen = Console(), show()
    with suppress(KeyboardInterrupt), Live(seen, console=console, screen=True, auto_refresh=False) as live:
        signal.signal(signal.SIGTERM, _ended)
        signal.signal(signal.SIGTSTP, lambda *_: _paused(live))
        while True:
            live.update(seen, refresh=True)
            time.sleep(every.total_seconds())
            seen = show()
    console.print(seen)


def _ended(*_: object) -> NoReturn:
    raise SystemExit(_ENDED)


def _paused(live: "Live") -> None:
    """Give the terminal back for as long as Ctrl-Z stops us."""
    live.stop()
    os.kill(os.getpid(), signal.SIGSTOP)
    live.start(refresh=True)
