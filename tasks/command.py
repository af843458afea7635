"""Runs a flow by hand, as `python -m flows.NAME`: errors are sentences, and the exit code tells."""

import os
import sys
from collections.abc import Callable

from prefect.client.orchestration import get_client
from prefect.exceptions import FailedRun
from prefect.settings import PREFECT_API_URL

from datastream.errors import DatastreamError, Transient
from tasks.logs import sentences_only

_TELLS_NOBODY = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
"""For the server that Prefect starts for a run: nothing is reported to anybody."""


def run_as_command(flow: Callable[..., object], *, usage: str, least: int = 1, most: int = 1) -> None:
    """Call `flow` with the command's arguments, of which there are `least` to `most`.

    Exits with 0, 1 when the run fails, 2 when it is used wrongly.
    """
    words = sys.argv[1:]
    if not least <= len(words) <= most or any(word.startswith("-") for word in words):
        sys.exit(_usage(usage))
    sentences_only()
    try:
        _require_server()
        flow(*words)
    except (DatastreamError, FailedRun) as error:
        print(error, file=sys.stderr)
        sys.exit(1)


class ServerAway(Transient):
    """The Prefect server that the settings name does not answer."""


def _require_server() -> None:
    """Raise ServerAway where a server is named and does not answer; without one, Prefect starts its own for the run."""
    url = PREFECT_API_URL.value()
    if url is None:
        os.environ.update(_TELLS_NOBODY)
        return
    with get_client(sync_client=True) as client:
        error = client.api_healthcheck()
    if error is not None:
        raise ServerAway(
            f"The Prefect server at {url} does not answer: {error}. Start one with `datastream up`, or correct "
            "PREFECT_API_URL."
        )


def _usage(usage: str) -> int:
    print(f"usage: {usage}", file=sys.stderr)
    return 2
