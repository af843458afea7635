"""Processes that are forked from one which has loaded what they need. There is one such server for all tests."""

import multiprocessing
from multiprocessing.context import ForkServerContext

_LOADED = [
    "tests.chaos.child", "tests.events.child", "tests.health.child", "tests.commands", "tasks", "blocks", "duckdb",
    "deployments.cli",
]  # fmt: skip


def forks() -> ForkServerContext:
    """Return how to start such a process. The first who starts one decides what is loaded, so all ask for the same."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(_LOADED)
    return processes
