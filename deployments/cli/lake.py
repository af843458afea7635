"""`datastream lake` and `datastream sql`: what is committed."""

from typing import TYPE_CHECKING, Any

import click

from deployments.cli.project import committed, store, stream_argument
from deployments.cli.schema import schema
from deployments.cli.show import as_json, print_fields, print_json, print_table

if TYPE_CHECKING:
    from datastream.lake.live import Live


@click.group()
def lake() -> None:
    """Look at what is committed."""


lake.add_command(schema)


@lake.command()
@stream_argument
@as_json
def count(stream: str, json_: bool) -> None:
    """Count the rows by the log, without opening a file: all that were ever read, and those that are there now."""
    now = _live(stream)
    accounts = now.accounts
    sums = {
        "stream": stream,
        "commits": now.commit_count,
        "read": accounts.read,
        "loaded": accounts.landed,
        "quarantined": accounts.aside,
        "duplicates": accounts.duplicates,
        "files": len(now.data),
        "rows": sum(held.file.rows for held in now.data),
    }
    print_json(sums) if json_ else print_fields(sums)


@lake.command()
@stream_argument
@as_json
def files(stream: str, json_: bool) -> None:
    """List the data files that count, in the order of their commits."""
    found: list[dict[str, Any]] = [
        {"commit": _span(held.commits), "file": held.key, "rows": held.file.rows, "bytes": held.file.bytes}
        for held in _live(stream).data
    ]
    if json_:
        print_json(found)
    else:
        print_table(("commit", "file", "rows", "bytes"), [tuple(row.values()) for row in found])


@lake.command()
@stream_argument
@as_json
def verify(stream: str, json_: bool) -> None:
    """Recount every Parquet file against the log. Exits with 1 if anything differs."""
    from datastream.lake.verify import verify as recount

    lake_ = store()
    found = recount(lake_, committed(lake_, stream)).to_dict()
    if json_:
        print_json(found)
    else:
        problems, strangers = found.pop("problems"), found.pop("strangers")
        print_fields(found)
        for problem in problems:
            click.echo(problem, err=True)
        for stranger in strangers:
            click.echo(f"{stranger} is not ours, and is left alone.", err=True)
    if not found["ok"]:
        raise SystemExit(1)


@click.command()
@click.argument("query")
@click.option(
    "--as-of", metavar="MOMENT", help="A time, or a commit such as 0-000000000012: what was committed by then."
)
@as_json
def sql(query: str, as_of: str | None, json_: bool) -> None:
    """Ask DuckDB about committed rows. Each stream is a table, and so are STREAM_quarantine and STREAM_current.

    Example: datastream sql "select origin, count(*) from flights group by all"
    """
    from datastream.lake.sql import query as ask

    names, rows = ask(store(), query, as_of)
    if json_:
        print_json([dict(zip(names, row, strict=True)) for row in rows])
    elif names:
        print_table(names, rows)


def _live(stream: str) -> "Live":
    from datastream.lake.live import live

    lake_ = store()
    return live(lake_, committed(lake_, stream))


def _span(commits: tuple[str, ...]) -> str:
    return commits[0] if len(commits) == 1 else f"{commits[0]} to {commits[-1]}"
