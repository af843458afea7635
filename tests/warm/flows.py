"""Flows that show where they run, and end in each way."""

import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger

FOLDER = "WARM_TEST_FOLDER"


def note(name: str) -> Path:
    return Path(os.environ[FOLDER]) / name


def noted(flow: Any, flow_run: Any, state: Any) -> None:  # noqa: ARG001 - Prefect passes all three by name
    note(f"{flow_run.id}.hook").write_text(state.type.value)


def doubled(number: int) -> int:
    return 2 * number


@flow(persist_result=False)
def tells() -> None:
    get_run_logger().debug("seen with DEBUG")
    get_run_logger().info("modules at the start: %s", "great_expectations" in sys.modules)
    print("printed by the run")  # noqa: T201 - it is looked for
    with multiprocessing.get_context("spawn").Pool(1) as spawned, multiprocessing.get_context("fork").Pool(1) as forked:
        get_run_logger().info("children: %s", spawned.map(doubled, [1]) + forked.map(doubled, [2]))
    get_run_logger().info("mine: %s", os.environ.get("MINE"))


@flow(persist_result=False, on_cancellation=[noted], on_crashed=[noted])
def waits() -> None:
    note("waits.pid").write_text(str(os.getpid()))
    time.sleep(120)


@flow(persist_result=False, on_crashed=[noted])
def dies() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@flow(persist_result=False)
def fails() -> None:
    raise ValueError("wrong on purpose")
