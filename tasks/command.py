"""Runs a flow by hand, as `python -m flows.NAME`: errors are sentences, and the exit code tells."""

import sys
from collections.abc import Callable

from datastream.errors import DatastreamError
from tasks.logs import sentences_only


def run_as_command(flow: Callable[..., object], *, usage: str) -> None:
    """Call `flow` with the command's one argument. Exits with 0, 1 when the run fails, 2 when it is used wrongly."""
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):  # noqa: PLR2004 - the program and its one argument
        sys.exit(_usage(usage))
    sentences_only()
    try:
        flow(sys.argv[1])
    except DatastreamError as error:
        print(error, file=sys.stderr)  # noqa: T201 - it is a command
        sys.exit(1)


def _usage(usage: str) -> int:
    print(f"usage: {usage}", file=sys.stderr)  # noqa: T201 - it is a command
    return 2
