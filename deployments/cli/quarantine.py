"""`datastream quarantine`: what was set aside, and why."""

from typing import TYPE_CHECKING

import click

from deployments.cli.project import committed, store, stream_argument
from deployments.cli.show import as_json, print_json, print_table

if TYPE_CHECKING:
    from datastream.lake.store import Store


@click.group()
def quarantine() -> None:
    """Look at the rows that were set aside."""


@quarantine.command(name="list")
@click.argument("stream", required=False)
@as_json
def list_(stream: str | None, json_: bool) -> None:
    """Count the rows by stream and rule. A row that broke two rules counts for both."""
    from datastream.lake import reader

    lake = store()
    names = [committed(lake, stream)] if stream else reader.streams(lake)
    found = [{"stream": name, "rule": rule, "rows": rows} for name in names for rule, rows in _by_rule(lake, name)]
    if json_:
        print_json(found)
    else:
        print_table(("stream", "rule", "rows"), [tuple(row.values()) for row in found])


@quarantine.command()
@stream_argument
@click.option("--rule", help="Only rows that broke this rule, as `quarantine list` calls it.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(min=1), help="At most so many rows.")
@as_json
def show(stream: str, rule: str | None, limit: int, json_: bool) -> None:
    """Show rows as they were received, each with every rule it broke."""
    from datastream.lake.reader import quarantined

    lake = store()
    rows = quarantined(lake, committed(lake, stream), rule, limit)
    if json_:
        print_json(rows)
    else:
        shown = [(row["_commit"], ", ".join(row["_rules"]), row["_raw"]) for row in rows]
        print_table(("commit", "rules", "row as received"), shown)


def _by_rule(lake: "Store", stream: str) -> list[tuple[str, int]]:
    from collections import Counter

    from datastream.lake import reader

    return Counter(reader.set_aside(lake, stream)).most_common()
