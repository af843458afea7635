"""The command `datastream`. Each command lives in the file of its noun; heavy imports wait until one is run."""

import sys

import click

from datastream.errors import DatastreamError
from deployments.cli.backfill import backfill
from deployments.cli.backtest import backtest
from deployments.cli.check import check
from deployments.cli.check_source import check_source
from deployments.cli.deploy import deploy
from deployments.cli.docs import docs
from deployments.cli.doctor import doctor
from deployments.cli.gateway import gateway
from deployments.cli.keeper import keeper
from deployments.cli.lake import lake, sql
from deployments.cli.metrics import metrics
from deployments.cli.new import new
from deployments.cli.quality import quality
from deployments.cli.quarantine import quarantine
from deployments.cli.reshape import reshape
from deployments.cli.stack import down, status, up
from deployments.cli.suggest import suggest
from deployments.cli.try_ import try_
from deployments.cli.upkeep import backup, compact, forget, maintain
from deployments.cli.warm import warm
from deployments.cli.workers import backlog, workers

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="datastream")
def cli() -> None:
    """Records in, validated row by row, committed exactly once.

    Tab completion: eval "$(_DATASTREAM_COMPLETE=bash_source datastream)" (zsh_source and fish_source work too).
    """


for command in (backup, compact, forget, maintain):
    lake.add_command(command)
for command in (
    up,
    down,
    status,
    deploy,
    docs,
    doctor,
    gateway,
    metrics,
    workers,
    backlog,
    keeper,
    warm,
    check,
    check_source,
    backtest,
    lake,
    sql,
    quality,
    quarantine,
    reshape,
    backfill,
    new,
    try_,
    suggest,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line. An error is a sentence on stderr and the exit code 1; wrong usage exits with 2."""
    try:
        cli(prog_name="datastream")
    except DatastreamError as error:
        click.echo(f"datastream: {error}", err=True)
        sys.exit(1)
