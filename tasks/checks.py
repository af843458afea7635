"""Asks a run's questions about what a stream committed, and shows the answers in the Prefect UI."""

import logging

from prefect import get_run_logger
from prefect.artifacts import create_table_artifact
from prefect.states import Completed, Failed, State

from blocks import DataLake
from datastream.checks import check_commits
from datastream.clock import SystemClock
from datastream.quality.checks import Check, told
from tasks.progress import artifact_key
from tasks.reading import read_stream


def ask(name: str, lake: DataLake | None) -> list[Check]:
    """Ask whether what was committed is as the stream's file expects it."""
    stream, store, _ = read_stream(name, lake)
    return check_commits(stream, store, SystemClock().now())


def show(name: str, checks: list[Check]) -> State[None]:
    """Show a line a check, and return the state in which the run ends."""
    said, failed = told(name, checks), False
    for check in checks:
        missed = check.result == "not met"
        get_run_logger().log(logging.WARNING if missed else logging.INFO, "%s: %s", check.result, check)
        failed = failed or missed
    # In this order, because the table of the UI is cut off on the right.
    columns = ("check", "result", "expected", "observed")
    table = [{column: getattr(check, column) for column in columns} for check in checks]
    create_table_artifact(table, key=artifact_key(name, "checks"), description=said)
    return Failed(message=said) if failed else Completed(message=said)
