"""`datastream check`: a file against a suite."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deployments.cli.project import complete_suite, settings
from deployments.cli.show import as_json, print_json, print_table

if TYPE_CHECKING:
    from datastream.quality import Outcome

_MET, _FAILED, _UNCHECKED = 0, 1, 2


@click.command()
@click.option("--suite", required=True, shell_complete=complete_suite, help="A suite of expectations/, or a file.")
@click.option("--data", required=True, type=click.Path(path_type=Path), help="JSON lines, CSV or Parquet.")
@as_json
def check(suite: str, data: Path, json_: bool) -> None:
    """Validate a file. Exits with 0: suite met, 1: suite failed, 2: could not be checked."""
    from datastream.errors import DatastreamError
    from datastream.quality import find_suite, read_data, validate

    try:
        verdict = validate(read_data(data), find_suite(settings().expectations, suite))
    except DatastreamError as error:
        click.echo(f"datastream: {error}", err=True)
        sys.exit(_UNCHECKED)
    if json_:
        print_json(verdict.to_dict())
    else:
        rows = [(o.rule.label, o.rule.severity, _result(o), o.unexpected_count) for o in verdict.expectations]
        print_table(("rule", "severity", "result", "unexpected rows"), rows, f"{data}: {verdict.rows:,} rows")
        click.echo(
            f"{len(verdict.bad_rows):,} rows break a rule: the suite is {'met' if verdict.success else 'not met'}."
        )
    sys.exit(_MET if verdict.success else _FAILED)


def _result(outcome: "Outcome") -> str:
    if outcome.raised:
        rows = ", ".join(f"row {row} ({error})" for row, error in sorted(outcome.raised.items()))
        return f"failed, and cannot look at {rows}"
    return "met" if outcome.success else "failed"
