"""`datastream check-source`: what an API answers now against what its stream expects."""

import sys
from typing import TYPE_CHECKING

import click

from deployments.cli.project import settings_with_stack, stream_argument
from deployments.cli.show import as_json, print_json, print_table
from deployments.cli.try_ import described

if TYPE_CHECKING:
    from datastream.drift import Drift

_AS_EXPECTED, _DRIFTED, _UNCHECKED = 0, 1, 2


@click.command("check-source")
@stream_argument
@click.option(
    "--limit", default=1000, show_default=True, type=click.IntRange(min=1), help="So many records, or a page."
)
@as_json
def check_source(stream: str, limit: int, json_: bool) -> None:
    """Hold the first records of STREAM against its schema: fields new, lost or of another type. Writes nothing.

    Exits with 0: a run would load each record, 1: it would not, or fail, 2: could not be checked.
    """
    from datastream.errors import DatastreamError

    try:
        found = _drift(stream, limit)
    except DatastreamError as error:
        click.echo(f"datastream: {error}", err=True)
        sys.exit(_UNCHECKED)
    if json_:
        print_json(found.as_dict)
    else:
        if found.findings:
            rows = [(each.field, each.stream, each.source, each.meaning) for each in found.findings]
            print_table(("field", "stream", "source", "what it means"), rows)
        click.echo(str(found))
    sys.exit(_DRIFTED if found.matters else _AS_EXPECTED)


def _drift(stream: str, limit: int) -> "Drift":
    from blocks.api_source import api_of
    from datastream.drift import drift
    from datastream.errors import Permanent
    from datastream.lake.lake import open_lake
    from datastream.quality import load_suite

    settings = settings_with_stack()
    checked = described(settings, stream)
    suite = load_suite(settings.expectations, checked.suite)
    found = drift(checked, suite, open_lake(settings.lake), api_of(checked), limit, buffer=settings.buffer)
    if found is None:
        raise Permanent(f"{stream} has no records now, so there is nothing to hold against it.")
    return found
