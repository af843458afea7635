"""`datastream workers` and `datastream backlog`: the workers of a pool, and what they are scaled by."""

import os
import signal
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from datastream.errors import Permanent
from deployments import POOL
from deployments.cli.project import settings_with_stack
from deployments.cli.show import as_json, print_fields, print_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployments.backlog import Backlog

_PORTS = range(1, 65536)


class WrongPool(Permanent):
    """No worker of ours can run what is in this pool."""


class Address(click.ParamType[tuple[str, int]]):
    """Where to listen: a port of this machine, or HOST:PORT."""

    name = "[host:]port"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Return host and port; only who names a host is heard beyond this machine."""
        host, _, port = value.rpartition(":")
        if not port.isdecimal() or int(port) not in _PORTS:
            self.fail(f"{value!r} is no port. Name one from 1 to 65535, as in 9095 or 0.0.0.0:9095.", param, ctx)
        return host or "127.0.0.1", int(port)


pool_option = click.option("--pool", default=POOL, show_default=True, help="The work pool, of type process.")


@click.command()
@pool_option
@click.option("--min", "least", default=3, show_default=True, help="So many workers there always are.")
@click.option("--max", "most", default=10, show_default=True, help="So many there are at most.")
@click.option("--limit", default=1, show_default=True, help="So many runs a worker has at once at most.")
@click.option("--metrics", type=Address(), help="Serve Prometheus at /metrics there.")
def workers(pool: str, least: int, most: int, limit: int, metrics: tuple[str, int] | None) -> None:
    """Keep as many workers of a pool as its backlog asks for, until SIGTERM or Ctrl-C.

    Asked to end, they take no further run and end after those they have: exit code 0. Asked again, they cut their runs
    off, which are then Crashed: exit code 1.
    """
    from datastream.clock import SystemClock
    from deployments.backlog import look
    from deployments.workers.policy import ScalingPolicy
    from deployments.workers.supervisor import supervise

    policy = ScalingPolicy(least, most, limit)
    found = settings_with_stack()
    os.environ.setdefault("PREFECT_WORKER_QUERY_SECONDS", "2")  # Prefect's 10 make most of a short run a wait
    _check_pool(pool)
    if not supervise(pool, policy, lambda: look(found, pool), metrics, SystemClock(), _tell):
        raise SystemExit(1)


@click.command()
@pool_option
@as_json
@click.option("--serve", type=Address(), help="Serve it at /metrics there for Prometheus, asked anew each time.")
def backlog(pool: str, json_: bool, serve: tuple[str, int] | None) -> None:
    """Show what the workers of a pool have to do. Exits with 1 if a part of it could not be asked."""
    from deployments.backlog import look

    found = settings_with_stack()
    if serve:
        _serve(pool, lambda: look(found, pool), serve)
        return
    seen = look(found, pool)
    if json_:
        print_json(_parts(seen))
    else:
        print_fields({name.replace("_", " "): value for name, value in _parts(seen).items() if name != "problem"})
    if seen.problem:
        click.echo(f"datastream: {seen.problem}", err=True)
        raise SystemExit(1)


def _parts(seen: "Backlog") -> dict[str, object]:
    oldest = seen.oldest.total_seconds() if seen.oldest is not None else None
    return {
        "pool": seen.pool,
        "backlog": seen.runs,
        "waiting": seen.waiting,
        "late": seen.late,
        "under_way": seen.under_way,
        "due_lanes": seen.lanes,
        "oldest_seconds": oldest,
        "problem": seen.problem,
    }


def _serve(pool: str, look: "Callable[[], Backlog]", address: tuple[str, int]) -> None:
    from deployments.workers.metrics import Board, Door

    board = Board(pool)

    def text() -> bytes:
        board.saw(look())
        return board.text()

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the first process of a container dies of nothing unsaid
    with Door(address, text) as door, suppress(KeyboardInterrupt):
        click.echo(f"The backlog of {pool!r} is at http://{address[0]}:{address[1]}/metrics")
        door.serve_forever()


def _check_pool(pool: str) -> None:
    """Look at the server and its pool before anything is begun. Raises what is to be put right."""
    from deployments.backlog import pool_of, through
    from deployments.prefect_api import our_version, prefect_client
    from deployments.registration import make_pool

    our_version()
    with prefect_client() as client:
        if pool == POOL:
            make_pool(client)
        kind = pool_of(through(client), pool)["type"]
    if kind != "process":
        raise WrongPool(
            f"The work pool {pool!r} is of type {kind!r}, and these workers run processes. Name a pool of type process "
            f"as --pool, or start a worker of its type: `prefect worker start --pool {pool}`."
        )


def _tell(said: str) -> None:
    click.echo(f"{datetime.now(UTC):%H:%M:%S} {said}")
