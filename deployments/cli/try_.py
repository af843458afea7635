"""`datastream try`: the first records of a stream, as a run would treat them."""

import sys
from typing import TYPE_CHECKING

import click

from deployments.cli.project import settings_with_stack, stream_argument
from deployments.cli.show import as_json, print_fields, print_json, print_table

if TYPE_CHECKING:
    from datastream.catalog import Stream
    from datastream.settings import Settings
    from datastream.trial import Trial

_SHOWN_ROWS, _SHOWN_CHARACTERS = 5, 40


@click.command("try")
@stream_argument
@click.option(
    "--limit", default=1000, show_default=True, type=click.IntRange(min=1), help="So many records, or a page."
)
@as_json
def try_(stream: str, limit: int, json_: bool) -> None:
    """Fetch the first records of STREAM, transform and validate them, show what a run would do. Writes nothing.

    Exits with 1 if records would be set aside, or be taken for duplicates of others.
    """
    from blocks.api_source import api_of
    from datastream.lake.lake import open_lake
    from datastream.quality import load_suite
    from datastream.trial import trial

    settings = settings_with_stack()
    tried = described(settings, stream)
    suite = load_suite(settings.expectations, tried.suite)
    store = open_lake(settings.lake) if tried.api.parent else None
    found = trial(tried, suite, api_of(tried), limit, buffer=settings.buffer, store=store)
    if found is None:
        print_json({"stream": stream, "read": 0}) if json_ else click.echo(f"{stream} has no records now.")
        return
    if json_:
        print_json({"stream": stream, **found.as_dict})
    else:
        _show(tried, found)
    sys.exit(1 if found.accounts.quarantined or found.collisions else 0)


def described(settings: "Settings", stream: str) -> "Stream":
    """Return a stream that is read from an API. Raises Permanent for one that is posted."""
    from datastream.catalog import ApiSpec, Catalog
    from datastream.errors import Permanent

    found = Catalog(settings.streams).stream(stream)
    if not isinstance(found.source, ApiSpec):
        raise Permanent(
            f"{stream} is posted to the gateway and not read, so there is nothing to fetch. Try a file of its records "
            f"with: datastream check --suite {found.suite} --data FILE"
        )
    return found


def _show(stream: "Stream", found: "Trial") -> None:
    columns = [
        (name, kind, _nulls(found, name), _clipped(_example(stream, found, name)))
        for name, kind in found.columns.items()
    ]
    print_table(("column", "type", "nulls", "for example"), columns, f"{stream.name}, {found.window}: its columns")
    a = found.accounts
    fields: dict[str, object] = {"read": a.read, "loaded": a.loaded}
    fields |= {"set aside": a.quarantined, "duplicates": a.duplicates}
    if found.paginate:
        fields["pages"] = " ".join(f"{name}={value}" for name, value in found.paginate.items() if value)
    print_fields(fields, "What a run would do")
    if found.collisions:
        click.echo(found.collisions.told(stream))
    if found.set_aside:
        print_table(("rule", "rows"), list(found.set_aside.items()), "Set aside, by rule")
        rows = [
            (", ".join(row["_rules"]), _clipped(stream.mask.text(row["_raw"]), 3))
            for row in found.quarantine[:_SHOWN_ROWS]
        ]
        print_table(("rules", "as it came"), rows)
    if found.partitions:
        print_table(("folder", "rows"), sorted(found.partitions.items())[:_SHOWN_ROWS], "Where they would land")
    click.echo("Nothing was written.")


def _example(stream: "Stream", found: "Trial", name: str) -> object:
    return stream.mask.value(name, next((value for value in _values(found, name) if value is not None), None)) or ""


def _values(found: "Trial", name: str) -> list[object]:
    known = name in found.loaded.column_names
    return list(found.loaded[name].slice(0, 100).to_pylist()) if known else []


def _nulls(found: "Trial", name: str) -> str:
    rows = found.loaded.num_rows
    if name not in found.loaded.column_names or not rows:
        return ""
    return f"{found.loaded[name].null_count / rows:.0%}"


def _clipped(value: object, times: int = 1) -> str:
    text = str(value)
    return text if len(text) <= times * _SHOWN_CHARACTERS else f"{text[: times * _SHOWN_CHARACTERS]}..."
