"""`datastream lake schema`: the columns of a stream."""

from typing import TYPE_CHECKING, Any

import click

from deployments.cli.project import committed, settings, store, stream_argument
from deployments.cli.show import as_json, print_json, print_table

if TYPE_CHECKING:
    import pyarrow as pa

    from datastream.lake.store import Store


@click.command()
@stream_argument
@as_json
def schema(stream: str, json_: bool) -> None:
    """List the columns and their types, whether they were declared or learned, and since which commit.

    A field that the transform drops or renames is in no file, and not listed.
    """
    lake = store()
    columns = _columns(lake, committed(lake, stream))
    if json_:
        print_json(columns)
    else:
        print_table(("column", "type", "origin", "since"), [tuple(row.values()) for row in columns])


def _columns(lake: "Store", stream: str) -> list[dict[str, Any]]:
    from datastream.lake.dataset import schema_of

    since, declared, fields = _since(lake, stream), _declared(stream), _fields(lake, stream)
    return [
        {"column": field.name, "type": _type(field, fields), "origin": _origin(field.name, declared, fields),
         "since": since.get(field.name)}
        for field in schema_of(lake, stream)
    ]  # fmt: skip


def _type(field: "pa.Field", fields: dict[str, str]) -> str:
    """Return a column's type; Arrow does not know JSON texts from others."""
    from datastream.catalog.types import JSON, parse_type, text_of

    came_as_json = fields.get(field.name) == JSON and field.type == parse_type(JSON)
    return JSON if came_as_json else text_of(field.type)


def _origin(name: str, declared: set[str], fields: dict[str, str]) -> str:
    from datastream.records import OWN_COLUMNS

    if name in OWN_COLUMNS:
        return "own"
    if name in declared:
        return "declared"
    return "learned" if name in fields else "transform"


def _since(lake: "Store", stream: str) -> dict[str, str]:
    """Return the first commit of each column as it is now."""
    from datastream.lake import reader

    first: dict[str, tuple[str, str]] = {}
    for commit in sorted(reader.commits(lake, stream), key=lambda made: made.header.decided_at):
        for name, kind in commit.header.columns.items():
            plain = kind.replace("int53", "int64")
            if first.get(name, ("", ""))[0] != plain:
                first[name] = (plain, str(commit))
    return {name: commit for name, (_, commit) in first.items()}


def _fields(lake: "Store", stream: str) -> dict[str, str]:
    from datastream.lake.schemas import newest

    return newest(lake, stream).fields


def _declared(stream: str) -> set[str]:
    """Return what the stream's file declares; of a stream whose file is gone, nothing."""
    from datastream.catalog import Catalog

    catalog = Catalog(settings().streams)
    return set(catalog.stream(stream).schema_spec.declared) if stream in catalog.names() else set()
