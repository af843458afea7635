"""`python -m tests.workers.child LEAST MOST [PORT]`: supervises as `datastream workers` does, and more hastily."""

import sys
from datetime import timedelta

from datastream.clock import SystemClock
from datastream.settings import Settings
from deployments.backlog import look
from deployments.workers.policy import ScalingPolicy
from deployments.workers.supervisor import supervise

POOL = "quick"


def main(least: int, most: int, port: int | None = None) -> None:
    """Run until SIGTERM."""
    policy = ScalingPolicy(least, most, 1, grows_after=timedelta(seconds=1), shrinks_after=timedelta(seconds=3))
    settings = Settings.read()
    address = ("127.0.0.1", port) if port else None
    half = timedelta(seconds=0.5)
    fine = supervise(POOL, policy, lambda: look(settings, POOL), address, SystemClock(), print, half)
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
