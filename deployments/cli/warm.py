"""`datastream warm`: keeps what flow runs import loaded, and forks them, until it is stopped."""

import os
import sys

import click


@click.command()
@click.option("--wire", "pool", metavar="POOL", help="Only have the runs of a work pool ask for warm starts, once.")
def warm(pool: str | None) -> None:
    """Start the flow runs of this machine within a second, until stopped.

    One is enough for all workers of this user and Python; with DATASTREAM_PROJECT set, for those of that project. The
    local stack has its own. Without one, runs start as ever, and say so.
    """
    if pool is None:
        os.execv(sys.executable, [sys.executable, "-m", "deployments.warm.parent"])  # noqa: S606 - in its place
    from deployments.cli.project import settings_with_stack
    from deployments.warm.wiring import wire

    settings_with_stack()
    news = wire(pool)
    click.echo(f"Runs of {pool} start warm where `datastream warm` runs." if news else f"{pool} has a command already.")
