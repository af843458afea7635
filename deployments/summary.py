"""What a run did, counted from the lake's log, and whether the lake agrees with it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from datastream.records import Accounts
from deployments.cli.show import print_table

if TYPE_CHECKING:
    from datastream.lake.manifest import Manifest
    from datastream.lake.store import Store
    from deployments.watch import Done


def print_summary(lake: "Store", stream: str, done: "Done") -> bool:
    """Print the accounts of what a run committed, and return whether they and the whole lake balance."""
    from datastream.lake import reader
    from datastream.lake.verify import verify

    made = [commit for commit in reader.commits(lake, stream) if commit.header.run == done.run]
    accounts = sum((commit.header.accounts for commit in made), Accounts())
    print_table(("", "rows"), _rows(made, accounts, done.took.total_seconds()), f"\n{stream}: this run")
    found = verify(lake, stream)
    for problem in found.problems:
        click.echo(problem, err=True)
    balance = "balances" if found.ok else "DOES NOT BALANCE"
    click.echo(
        f"The lake {balance}: {found.read:,} read = {found.loaded:,} loaded + {found.quarantined:,} quarantined + "
        f"{found.duplicates:,} duplicates, recounted in {found.files:,} files, {found.bytes:,} bytes.\n"
    )
    return found.ok and accounts.balanced


def _rows(made: "list[Manifest]", accounts: Accounts, seconds: float) -> list[tuple[str, str]]:
    by_rule: dict[str, int] = {}
    for commit in made:
        for rule, rows in commit.header.set_aside.items():
            by_rule[rule] = by_rule.get(rule, 0) + rows
    return [
        ("read", f"{accounts.read:,}"),
        ("loaded", f"{accounts.loaded:,}"),
        ("quarantined", f"{accounts.quarantined:,}"),
        *((f"  by {rule}", f"{rows:,}") for rule, rows in sorted(by_rule.items())),
        ("duplicates", f"{accounts.duplicates:,}"),
        ("files", f"{sum(len(commit.files) for commit in made):,}"),
        ("seconds", f"{seconds:,.1f}"),
        ("records/s", f"{accounts.read / seconds if seconds else 0:,.0f}"),
    ]


def where_to_look(lake: "Store", stream: str) -> None:
    """Print where the rows of a stream are, and how to ask for them."""
    from datastream.lake.reader import glob

    pattern = glob(lake, stream)
    click.echo(
        f"Lake: {lake.address('')}\n"
        f'Ask it: .venv/bin/datastream sql "select origin, count(*) from {stream} group by all"'
    )
    if pattern is not None:
        click.echo(f"  or in DuckDB: select count(*) from '{pattern}'")
    click.echo(f"Set aside: .venv/bin/datastream quarantine show {stream}")


def print_events(lake: "Store", streams: Sequence[str], without: str | None) -> None:
    """Print how many commits the event bus has confirmed, and how many wait in the log; `without` says why they do."""
    from datastream.announce import Outbox
    from datastream.lake import reader

    boxes = [Outbox(lake, stream, lane) for stream in streams for lane in reader.lanes(lake, stream)]
    confirmed, waiting = sum(box.position for box in boxes), sum(box.waiting() for box in boxes)
    click.echo(f"Events: {confirmed:,} commits announced and confirmed, {waiting:,} waiting in the lake's log.")
    if without:
        click.echo(f"  No RabbitMQ: {without}")
