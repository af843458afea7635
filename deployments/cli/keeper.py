"""`datastream keeper`: starts loads when enough waits, and repairs what dead runs left. Here its parts are joined."""

import os
import signal
from contextlib import ExitStack, suppress
from datetime import timedelta
from types import FrameType
from typing import TYPE_CHECKING

import click

from datastream.errors import Permanent
from deployments.cli.project import settings_with_stack

if TYPE_CHECKING:
    from datastream.settings import Settings
    from deployments.keeper import Keeper

_REPAIR_EVERY, _SHOW_EVERY = timedelta(seconds=5), timedelta(minutes=1)


class KeeperCannotStart(Permanent):
    """Something that the keeper cannot be without is missing."""


@click.command()
def keeper() -> None:
    """Keep runs going until stopped: load streams of which enough waits, and repair what dead runs left behind.

    Exactly one is needed; two at once do no harm.
    """
    found = settings_with_stack()
    with ExitStack() as opened:
        kept = joined(found, opened)

        def stop(_number: int, _frame: FrameType | None) -> None:
            kept.stopped = True
            raise KeyboardInterrupt

        signal.signal(signal.SIGTERM, stop)
        click.echo(f"Keeping runs at {os.environ['PREFECT_API_URL']}")
        try:
            kept.run()
        except KeyboardInterrupt:
            click.echo("Stopped.")


def joined(found: "Settings", opened: ExitStack) -> "Keeper":
    """Return a keeper of the server and the buffer that the environment names. Raises what is to be put right."""
    from datastream.buffers.connection import connect
    from datastream.buffers.redis import open_buffer
    from datastream.catalog import Catalog
    from datastream.clock import SystemClock
    from deployments.keeper import Keeper, Pacer, Repair, Server
    from deployments.keeper.loop import Duty
    from deployments.keeper.pacing import Pace
    from deployments.keeper.showing import Board
    from deployments.overview import look
    from deployments.prefect_api import PrefectAway

    url = os.environ.get("PREFECT_API_URL")
    if not url:
        raise KeeperCannotStart("PREFECT_API_URL names no Prefect server. Start one with `datastream up`, or set it.")
    clock, pace = SystemClock(), Pace()
    server = Server(url, login=os.environ.get("PREFECT_API_AUTH_STRING"))
    opened.callback(server.close)
    with suppress(PrefectAway):  # a server that is away may come, and what is said of it then is said by the duties
        server.check()
    client = opened.enter_context(connect(found.buffer, f"datastream-keeper-{os.getpid()}")) if found.buffer else None
    repair = Repair(server, client, clock)
    board = Board(server, lambda: look(found, clock, server.post))
    duties = [Duty("Repair", _REPAIR_EVERY, repair.look), Duty("Overview", _SHOW_EVERY, board.show)]
    if found.buffer and client is not None:
        buffer = opened.enter_context(open_buffer(found.buffer))
        pacer = Pacer(server, Catalog(found.streams), buffer, client, clock, pace)
        duties.append(Duty("Starting loads", pace.look, lambda: [_asked(name) for name in pacer.look(repair.gone)]))
    return Keeper(tuple(duties), clock, click.echo)


def _asked(stream: str) -> str:
    return f"Enough of {stream} waits: asked for a load."
