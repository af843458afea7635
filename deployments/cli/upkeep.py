"""`datastream lake compact|forget|maintain|backup`: what is done to committed files afterwards."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from deployments.cli.project import committed, settings_with_stack, store, stream_argument
from deployments.cli.show import as_json, print_json, print_table

if TYPE_CHECKING:
    from datastream.catalog import Stream, Upkeep
    from datastream.lake.rewrite import Rewrite

_RUN = "command line"


@click.command()
@stream_argument
@as_json
def compact(stream: str, json_: bool) -> None:
    """Put small files of partitions that are over together now, as the stream's file asks for it."""
    from datastream.maintenance import compact as put_together
    from datastream.maintenance import told

    buffer = settings_with_stack().buffer
    found = store()
    made = put_together(_described(committed(found, stream)), found, run=_RUN, buffer=buffer)
    print_json(_sums(stream, made)) if json_ else click.echo(f"{stream}: {told(made)}.")


@click.command()
@stream_argument
@click.option(
    "--key", "pairs", multiple=True, required=True, metavar="COLUMN=VALUE", help="Repeat it for a key of more."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def forget(stream: str, pairs: tuple[str, ...], yes: bool, json_: bool) -> None:
    """Remove every row of a key from data and quarantine, for good. What comes again of them is not loaded.

    Columns are named as they are on the lake. Example: datastream lake forget orders --key id=5
    """
    from datastream.lake.upkeep import find
    from datastream.maintenance import forget as remove

    buffer = settings_with_stack().buffer
    lake_, key = store(), _key(pairs)
    found = find(lake_, committed(lake_, stream), key)
    sums = {"stream": stream, "key": key, "data": found.gone.data, "quarantined": found.gone.quarantined,
            "files": len(found.rows) + len(found.erased)}  # fmt: skip
    if not json_:
        click.echo(_said(stream, pairs, found.gone.data, found.gone.quarantined, len(found.rows) + len(found.erased)))
    if found and not yes:
        click.confirm("Remove them for good?", abort=True, err=json_)
    done = remove(stream, lake_, key, run=_RUN, buffer=buffer) if found else None
    if json_:
        print_json({**sums, "forgotten": done is not None})
    elif done is not None:
        click.echo(f"Removed rows: {done.gone.data:,} of data, {done.gone.quarantined:,} of quarantine.")


@click.command()
@stream_argument
@as_json
def maintain(stream: str, json_: bool) -> None:
    """Expire, compact, delete what nobody needs any more, and look whether all is there. Exits with 1 if it is not."""
    from datastream.maintenance import maintain as keep_up

    buffer = settings_with_stack().buffer
    found = store()
    done = keep_up(_described(committed(found, stream)), found, run=_RUN, buffer=buffer)
    if json_:
        print_json({"stream": stream, "steps": done.rows, "problems": done.problems, "strangers": done.strangers})
    else:
        print_table(("step", "did"), [tuple(row.values()) for row in done.rows])
    if done.problems:
        raise SystemExit(1)


@click.command()
@click.argument("to")
@as_json
def backup(to: str, json_: bool) -> None:
    """Copy the lake as it stands now to TO, a folder or bucket, while others go on writing. A later run adds to it.

    Example: datastream lake backup file:///backup/lake
    """
    from pydantic import ValidationError

    from datastream.connections import LakeConfig
    from datastream.lake import reader
    from datastream.lake.backup import backup as copy
    from datastream.lake.lake import open_lake
    from deployments.cli.project import settings

    here = settings().lake
    try:
        there = LakeConfig.model_validate({**here.model_dump(), "uri": to})
    except ValidationError as error:
        raise click.BadParameter(error.errors()[0]["msg"].removeprefix("Value error, ")) from error
    lake_, aim = store(), open_lake(there)
    done = [copy(lake_, aim, name) for name in reader.streams(lake_)]
    rows = [asdict(each) for each in done]
    if json_:
        print_json(rows)
    else:
        print_table(("stream", "commits", "files", "new objects"), [tuple(row.values()) for row in rows])


def _described(name: str) -> "Stream | Upkeep":
    from datastream.catalog import Catalog
    from deployments.cli.project import settings

    return Catalog(settings().streams).upkeep(name)


def _sums(stream: str, made: "list[Rewrite]") -> dict[str, object]:
    swaps = [swap for rewrite in made for swap in rewrite.swaps]
    return {
        "stream": stream,
        "rewrites": len(made),
        "rows": sum(rewrite.moved for rewrite in made),
        "files_before": sum(len(swap.removes) for swap in swaps),
        "files_after": sum(len(swap.adds) for swap in swaps),
    }


def _key(pairs: tuple[str, ...]) -> dict[str, str]:
    wrong = [pair for pair in pairs if "=" not in pair.strip("=")]
    if wrong:
        raise click.BadParameter(f"{wrong[0]!r} is no key; write it as COLUMN=VALUE, for example id=5")
    return dict(pair.split("=", 1) for pair in pairs)


def _said(stream: str, pairs: tuple[str, ...], data: int, quarantined: int, files: int) -> str:
    if not files:
        return f"{stream} has no row with {' and '.join(pairs)}: nothing to forget."
    return (
        f"Rows of {stream} with {' and '.join(pairs)}: {data:,} in its data, {quarantined:,} in its quarantine. "
        f"Files that hold such rows, or held them and are not deleted yet: {files:,}."
    )
