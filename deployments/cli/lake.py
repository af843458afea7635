"""`datastream lake` and `datastream sql`: what is committed."""

from typing import TYPE_CHECKING, Any

import click

from deployments.cli.project import committed, store, stream_argument
from deployments.cli.schema import schema
from deployments.cli.show import as_json, print_fields, print_json, print_table

if TYPE_CHECKING:
    from datastream.lake.manifest import Manifest


@click.group()
def lake() -> None:
    """Look at what is committed."""


lake.add_command(schema)


@lake.command()
@stream_argument
@as_json
def count(stream: str, json_: bool) -> None:
    """Count the rows by the log, without opening a file."""
    made = _commits(stream)
    accounts = [commit.header.accounts for commit in made]
    sums = {
        "stream": stream,
        "commits": len(made),
        **{name: sum(getattr(a, name) for a in accounts) for name in ("read", "loaded", "quarantined", "duplicates")},
        "files": sum(len(commit.files) for commit in made),
    }
    print_json(sums) if json_ else print_fields(sums)


@lake.command()
@stream_argument
@as_json
def files(stream: str, json_: bool) -> None:
    """List the committed data files, in the order of their commits."""
    found: list[dict[str, Any]] = [
        {"commit": str(commit), "file": file.key, "rows": file.rows, "bytes": file.bytes}
        for commit in _commits(stream)
        for file in commit.files
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
        problems = found.pop("problems")
        print_fields(found)
        for problem in problems:
            click.echo(problem, err=True)
    if not found["ok"]:
        raise SystemExit(1)


@click.command()
@click.argument("query")
@as_json
def sql(query: str, json_: bool) -> None:
    """Ask DuckDB about committed rows. Each stream is a table, and so is STREAM_quarantine.

    Example: datastream sql "select origin, count(*) from flights group by all"
    """
    from datastream.lake.reader import query as ask

    names, rows = ask(store(), query)
    if json_:
        print_json([dict(zip(names, row, strict=True)) for row in rows])
    elif names:
        print_table(names, rows)


def _commits(stream: str) -> "list[Manifest]":
    from datastream.lake import reader

    lake_ = store()
    return list(reader.commits(lake_, committed(lake_, stream)))
