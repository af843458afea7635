"""What commands need of the project: its settings, its lake, and the names to complete."""

import os
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from datastream.errors import Permanent

if TYPE_CHECKING:
    from datastream.lake.store import Store
    from datastream.settings import Settings


class NothingCommitted(Permanent):
    """The lake holds nothing of a stream."""


def settings() -> "Settings":
    """Return the settings. Raises SettingsWrong."""
    from datastream.settings import Settings

    return Settings.read()


def settings_with_stack() -> "Settings":
    """Return the settings; what the environment does not name is taken from the local stack, if it runs."""
    from deployments import stack

    for name, value in stack.running_environment(settings().project).items():
        os.environ.setdefault(name, value)
    return settings()


def store() -> "Store":
    """Return the lake that the settings name; reading does not make one. Raises SettingsWrong and LakeUnusable."""
    from datastream.lake.lake import open_lake

    lake = settings().lake
    if lake.folder is not None and not lake.folder.exists():
        raise NothingCommitted(
            f"There is no lake at {lake.uri} yet. Load a stream first, or correct DATASTREAM_LAKE_URI."
        )
    return open_lake(lake)


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


def complete_suite(_context: click.Context, _param: click.Parameter, begun: str) -> list[CompletionItem]:
    """Return the names of suites that begin with what is typed; the shell completes a path itself."""
    if "/" in begun:
        return [CompletionItem(begun, type="file")]
    return [CompletionItem(name) for name in sorted(f.stem for f in settings().expectations.glob(f"{begun}*.json"))]


stream_argument = click.argument("stream", shell_complete=complete_stream)
optional_stream = click.argument("stream", required=False, shell_complete=complete_stream)
