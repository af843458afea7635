"""How commands print: a table for people, JSON for machines.

A table fits the terminal that shows it. Piped, no line is wrapped: what reads it finds each row in one.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDEST = 10_000
"""So many characters a piped line has at most: every row is as wide as the widest."""
as_json = click.option("--json", "json_", is_flag=True, help="Print JSON.")


def print_json(value: Any) -> None:
    """Print one JSON document; times are ISO 8601, and what else JSON does not know is printed as text."""
    click.echo(json.dumps(value, indent=1, default=_text))


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> "Table":
    """Return a table; numbers stand to the right."""
    from rich.table import Table
    from rich.text import Text

    made = Table(header_style="bold")
    for index, name in enumerate(columns):
        numeric = _numeric([row[index] for row in rows])
        made.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(_cell(value)) for value in row))
    return made


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str | None = None) -> None:
    """Print a table."""
    from rich.console import Console
    from rich.text import Text

    console = Console()
    if title is not None:
        console.print(Text(title, style="table.title"), soft_wrap=True)
    print_made(table(columns, rows), console)


def print_made(made: "Table", console: "Console") -> None:
    """Print a table that is made already."""
    if not console.is_terminal:
        console.width = width_of(made)
    console.print(made)


def width_of(made: "Table") -> int:
    """Return how wide a table is where nothing is wrapped."""
    from rich.console import Console
    from rich.measure import Measurement

    wide = Console(width=_WIDEST)
    return Measurement.get(wide, wide.options, made).maximum


def print_fields(fields: Mapping[str, Any], title: str | None = None) -> None:
    """Print one thing as a table of two columns."""
    print_table(("", ""), [(name, _cell(value)) for name, value in fields.items()], title)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _numeric(values: list[Any]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in known)


def _cell(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: ""}[value]
    text = f"{value:,}" if isinstance(value, int | float) else str(value)
    return "".join(character if character.isprintable() else " " for character in text)
