"""`datastream backtest`: what a changed suite would have rejected of what was claimed before."""

import sys
from typing import TYPE_CHECKING

import click

from deployments.cli.project import committed, complete_suite, settings, store, stream_argument
from deployments.cli.show import as_json, print_json, print_table

if TYPE_CHECKING:
    from datastream.backtest import Sums


@click.command()
@stream_argument
@click.option("--suite", shell_complete=complete_suite, help="A suite's name or file; without it, the stream's own.")
@click.option("--window", default="P7D", show_default=True, help="How far to look back: P7D, PT6H, or all.")
@as_json
def backtest(stream: str, suite: str | None, window: str, json_: bool) -> None:
    """Try a suite on the commits of STREAM: what would it have rejected, by rule and by day?

    Nothing on the lake is changed.
    """
    from datastream.backtest import Sums
    from datastream.backtest import backtest as find
    from datastream.catalog import Catalog
    from datastream.clock import SystemClock
    from datastream.lookback import since
    from datastream.quality import find_suite

    project, lake = settings(), store()
    described = Catalog(project.streams).stream(stream)
    tried = find_suite(project.expectations, suite or described.suite)
    found = find(described, tried, lake, since(window, SystemClock().now()) if committed(lake, stream) else None)
    sums = Sums(found)
    with click.progressbar(found.cases, label="commits", hidden=json_, file=sys.stderr) as cases:
        for case in cases:
            sums.add(found.judge(case))
    print_json(sums.as_dict()) if json_ else _show(sums)


def _show(sums: "Sums") -> None:
    found = sums.as_dict()
    if found["rows"]:
        names = ("commits", "rows", "were", "rejected", "new", "no_more")
        days = [(day["day"], *(day[name] for name in names)) for day in found["days"]]
        print_table(("day", "commits", "rows", "were rejected", "would be", "new", "no more"), days)
        rules = [(rule["rule"], rule["severity"], rule["rows"], rule["new"]) for rule in found["rules"]]
        print_table(("rule", "severity", "rows that break it", "of them new"), rules)
    for whole in sums.wholes:
        click.echo(f"As a whole: {whole}")
    click.echo(str(sums))
