"""`datastream suggest`: the draft of a suite, from rows that are there."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deployments.cli.project import NothingCommitted, committed, optional_stream, settings, store
from deployments.cli.show import as_json, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Container

    import pandas as pd
    import pyarrow as pa

    from datastream.suggest import Draft


@click.command()
@optional_stream
@click.option("--data", type=click.Path(path_type=Path), help="A file instead: JSON lines, CSV or Parquet.")
@click.option("--rows", default=100_000, show_default=True, type=click.IntRange(min=1), help="So many, the newest.")
@click.option("--name", help="What the suite is called. STREAM-suggested without it, or after the file.")
@click.option("--write", is_flag=True, help="Write expectations/NAME.json.")
@as_json
def suggest(stream: str | None, data: Path | None, rows: int, name: str | None, write: bool, json_: bool) -> None:
    """Draft a suite from the newest rows of STREAM on the lake, each rule with its evidence, for you to review.

    The rows meet the draft. --json prints it as a suite file. No suite that exists is ever replaced.
    """
    from datastream.catalog import Catalog
    from datastream.suggest import suggest as draft_of

    if stream is None and data is None:
        raise click.UsageError("Name a stream, or a file with --data.")
    described = Catalog(settings().streams).stream(stream) if stream else None
    key = described.key if described else []
    hidden: Container[str] = described.mask if described else ()
    called = name or f"{stream or (data and data.stem)}-suggested"
    file = _unused(called, write)
    draft = draft_of(_rows(stream, data, rows), called, key=key, hidden=hidden)
    if write:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as there:
            there.write(json.dumps(draft.document, indent=2, ensure_ascii=False) + "\n")
    print_json(draft.document) if json_ else _show(draft, str(data or stream), file, write)


def _unused(name: str, write: bool) -> Path:
    """Return where a suite of that name lies. Raises Permanent if it cannot be written there."""
    from datastream.errors import Permanent
    from datastream.quality.suite import NAME

    if not NAME.fullmatch(name):
        raise Permanent(f"{name!r} cannot name a suite. Give a name that matches {NAME.pattern} with --name.")
    file = settings().expectations / f"{name}.json"
    if write and file.exists():
        raise Permanent(f"{file} exists already, and stays as it is. Give the draft another name with --name.")
    return file


def _rows(stream: str | None, data: Path | None, limit: int) -> "pa.Table | pd.DataFrame":
    from datastream.quality import read_data
    from datastream.suggest import newest_rows

    if data is not None:
        return read_data(data)[-limit:]
    lake = store()
    found = newest_rows(lake, committed(lake, str(stream)), limit)
    if not found.num_rows:
        raise NothingCommitted(f"No row of {stream!r} is on the lake now. Load some, or give a file with --data.")
    return found


def _show(draft: "Draft", source: str, file: Path, write: bool) -> None:
    rules = [(rule.label, rule.severity, said) for rule, said in zip(draft.suite.rules, draft.evidence, strict=True)]
    print_table(("rule", "severity", "evidence"), rules, f"{draft.suite.name}, from {draft.rows:,} rows of {source}")
    if draft.hidden:
        click.echo(f"Personal, or so it looks, and no value is shown: {', '.join(map(str, draft.hidden))}.")
    if draft.dropped:
        click.echo(f"Left out, since these rows do not meet it: {'; '.join(draft.dropped)}.")
    if write:
        click.echo(f"Written: {file}. Review it, then hold rows against it: datastream check --suite {file.stem}")
    else:
        click.echo(f"Nothing was written. --write makes {file} of it.")
