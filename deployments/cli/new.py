"""`datastream new stream`: a stream of one's own, from one look at its API."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from deployments.cli.project import settings_with_stack
from deployments.cli.show import as_json, print_fields, print_json

if TYPE_CHECKING:
    from datastream.connections import ApiConfig
    from datastream.sketch import Sketch


@click.group()
def new() -> None:
    """Begin something of your own."""


@new.command("stream")
@click.argument("name")
@click.option("--url", help="What a browser would ask for, with its parameters but the page's.")
@click.option("--records", help="Where the records lie in an answer, as a.b. Found out without it.")
@click.option("--key", multiple=True, help="A field that identifies a record; may be repeated. Found out without it.")
@click.option("--cursor", help="FIELD:PARAM, the field that grows and the parameter that takes its last value.")
@click.option("--initial", help="The cursor's first value, such as 2026-01-01T00:00:00Z.")
@click.option("--block", help="The API block with credentials, such as api-source/orders.")
@click.option("--private-network", multiple=True, help="Where an API inside may be, such as 127.0.0.1.")
@as_json
def stream(
    name: str, url: str | None, records: str | None, key: tuple[str, ...], cursor: str | None, initial: str | None,
    block: str | None, private_network: tuple[str, ...], json_: bool,
) -> None:  # fmt: skip
    """Write streams/NAME.yaml, a draft of its suite, and its entries in prefect.yaml.

    The API is asked once, and what it answers is looked at. Asks for what no option says, if somebody can answer.
    """
    from datastream.catalog import Stream
    from datastream.connections import ApiAddress, ApiConfig
    from datastream.sketch import sketch
    from datastream.sources.client import open_api
    from datastream.sources.reach import AddressRefused
    from datastream.sources.request import Request
    from deployments.scaffold import Draft, refuse_elsewhere, refuse_unfit, refuse_wrong, write

    settings = settings_with_stack()
    url = url or _asked("What address shows the records?", None, "--url")
    base = {"base_url": url, "private_networks": list(private_network)}
    refuse_unfit(url)  # first of all, since what is said of an address shows it
    refuse_wrong(ApiAddress, base)
    refuse_wrong(Stream, Draft(name, url, "", {"kind": "single"}, ["id"]).described)
    config = _block(block) if block else ApiConfig.model_validate(base)
    if block:
        refuse_elsewhere(url, config.base_url, block)
    try:
        with open_api(config) as client:
            answer, _ = client.dependency.call(lambda: client.ask(Request(url)))
    except AddressRefused as error:
        raise AddressRefused(f"{error} Here: --private-network ADDRESS.") from error
    found = sketch(answer, records)
    keys = list(key) or _asked_for_key(found.keys, found.unique)
    draft = Draft(
        name, url, found.records, found.paginate, keys, block, config.base_url if block else "", private_network,
        _cursor(cursor, initial),
    )  # fmt: skip
    written = [str(path) for path in write(settings.project, settings.streams, settings.expectations, draft)]
    if json_:
        print_json({"stream": name, "rows": found.rows, **draft.described, "written": written})
        return
    _show(name, found, keys, written)


def _show(name: str, found: "Sketch", keys: Sequence[str], written: Sequence[str]) -> None:
    pages = " ".join(f"{part}={value}" for part, value in found.paginate.items())
    print_fields({"records": found.records or "the answer itself", "in this answer": found.rows, "pages": pages,
                  "key": ", ".join(keys), "times": ", ".join(found.times)}, f"{name}, as its API shows it")  # fmt: skip
    click.echo("\n".join(f"Written: {path}" for path in written))
    if not any(path.endswith("prefect.yaml") for path in written):
        click.echo("prefect.yaml is left as it is: copy the entries of another stream.")
    click.echo(f"Now look at them, and try: datastream try {name}")


def _asked_for_key(keys: Sequence[str], unique: Sequence[str]) -> list[str]:
    """Return the fields that identify a record. One that differs in this answer alone is named and not taken."""
    seen = f" In this answer {', '.join(unique)} differ, which they may not do in the next." if unique else ""
    question = f"Which fields identify a record, with commas between?{'' if keys else seen}"
    said = _asked(question, keys[0] if keys else None, "--key FIELD, once for each")
    return [name.strip() for name in said.split(",") if name.strip()]


def _asked(question: str, default: str | None, option: str) -> str:
    from datastream.errors import Permanent

    if sys.stdin.isatty():
        return str(click.prompt(question, default=default))
    if default is None:
        raise Permanent(f"{question} Say it with {option}.")
    return default


def _cursor(cursor: str | None, initial: str | None) -> dict[str, object] | None:
    from datastream.errors import Permanent

    if cursor is None:
        return None
    field, _, param = cursor.partition(":")
    if not field or not param or initial is None:
        raise Permanent(f"The cursor {cursor!r} is no FIELD:PARAM, or has no --initial value. Name all three.")
    return {"field": field, "param": param, "initial": int(initial) if initial.isdigit() else _time(initial)}


def _time(text: str) -> object:
    """Return a time in UTC; what is none stays text."""
    from datetime import UTC, datetime

    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return text
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _block(name: str) -> "ApiConfig":
    from blocks.api_source import ApiSource
    from blocks.loading import load

    return load(ApiSource, name, "The option --block names")
