"""The demo API, as quick as it can be and 50 ms later, each in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import urllib3

from deployments.stack.waiting import wait_until

LATENCY = timedelta(milliseconds=50)
_PATIENCE = timedelta(seconds=60)


@contextmanager
def served(latency: timedelta) -> Iterator[str]:
    """Serve the flights while the block lasts, and return their address."""
    milliseconds = str(int(latency.total_seconds() * 1000))
    command = [sys.executable, "-m", "deployments.demo", "--latency-ms", milliseconds]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            url = process.stdout.readline().strip() if process.stdout else ""
            wait_until(lambda: _is_up(url), _PATIENCE)
            yield url
        finally:
            process.terminate()


def _is_up(url: str) -> bool:
    try:
        return urllib3.request("GET", f"{url}/health", retries=False, timeout=5).status == 200  # noqa: PLR2004
    except urllib3.exceptions.HTTPError:
        return False
