"""`datastream docs`: Great Expectations' own Data Docs of a stream's newest rows, when somebody asks for them."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deployments.cli.project import NothingCommitted, committed, settings, store, stream_argument

if TYPE_CHECKING:
    from datastream.lake.manifest import Manifest
    from datastream.lake.store import Store


@click.command()
@stream_argument
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path),
    help="An empty folder, or that of an earlier call.  [default: .datastream/docs/STREAM]",
)  # fmt: skip
def docs(stream: str, output: Path | None) -> None:
    """Build Great Expectations' Data Docs of the newest commit of STREAM, and print which page tells of it.

    Its rows are validated by the suite of today, with those it set aside. Nothing of the project is changed. When they
    are read, these pages load scripts and styles from public servers; without a network they are plain, and their index
    is empty. The page of `datastream quality report` loads nothing.
    """
    from datastream.backtest import backtest
    from datastream.catalog import Catalog
    from datastream.clock import SystemClock
    from datastream.quality import load_suite
    from datastream.quality.docs import build_docs

    project, lake = settings(), store()
    described = Catalog(project.streams).stream(stream)
    suite = load_suite(project.expectations, described.suite)
    newest = _newest(lake, committed(lake, stream))
    found = backtest(described, suite, lake, newest.header.decided_at)
    case = next(case for case in found.cases if case.commit == str(newest))
    folder = (output or project.state / "docs" / stream).resolve()
    rows, _ = found.rows(case)
    click.echo(build_docs(rows, suite, described.mask, folder, f"{stream}-{newest}", SystemClock().now()))


def _newest(lake: "Store", stream: str) -> "Manifest":
    """Return the newest commit that has rows on the lake still, of those that came from the source."""
    from datastream.lake import layout, reader
    from datastream.lake.rewrite import Whereabouts

    where = Whereabouts(lake, stream)
    for commit in reader.counting_first(lake, stream):
        if commit.header.lane != layout.REPLAY and where.of(commit.all_files):
            return commit
    raise NothingCommitted(f"No row of {stream!r} is on the lake now. Load some first.")
