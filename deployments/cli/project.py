"""What commands need of the project: its settings, its lake, and the names to complete."""

from typing import TYPE_CHECKING

import click

from datastream.errors import Permanent

if TYPE_CHECKING:
    from datastream.lake.store import Store
    from datastream.settings import Settings


class SettingsWrong(Permanent):
    """An environment variable or a line of .env has a value that cannot be used."""


class NothingCommitted(Permanent):
    """The lake holds nothing of a stream."""


def settings() -> "Settings":
    """Return the settings. Raises SettingsWrong."""
    from pydantic import ValidationError

    from datastream.settings import Settings

    try:
        return Settings.read()
    except ValidationError as error:
        said = "; ".join(f"DATASTREAM_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        raise SettingsWrong(
            f"The environment or .env has a setting that cannot be used: {said}. Correct it."
        ) from error


def store() -> "Store":
    """Return the lake that the settings name. Raises SettingsWrong and LakeUnusable."""
    from pydantic import ValidationError

    from datastream.connections import LakeConfig
    from datastream.lake.lake import open_lake

    try:
        return open_lake(LakeConfig(uri=settings().lake_uri))
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise SettingsWrong(f"DATASTREAM_LAKE_URI: {said}.") from error


def committed(lake: "Store", stream: str) -> str:
    """Return `stream` if the lake holds a commit of it. Raises NothingCommitted."""
    from datastream.lake import reader

    names = reader.streams(lake)
    if stream not in names:
        there = f"There are: {', '.join(names)}." if names else "It holds no stream yet."
        raise NothingCommitted(
            f"The lake {settings().lake_uri} holds no commit of {stream!r}. {there} "
            f"Load it with: prefect deployment run 'etl-pipeline/{stream}'"
        )
    return stream


def complete_stream(_context: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """Return the names of streams that begin with what is typed."""
    from datastream.catalog import Catalog

    return [name for name in Catalog(settings().streams).names() if name.startswith(begun)]


def complete_suite(_context: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """Return the names of suites that begin with what is typed."""
    return sorted(file.stem for file in settings().expectations.glob(f"{begun}*.json"))


stream_argument = click.argument("stream", shell_complete=complete_stream)
