"""Measures: `python -m benchmarks.api_to_lake [--quick] [--rounds N]`. Exits with 0 when it did, else with a sentence.

Whether the goals were reached is printed and does not change the exit code: another machine has other figures.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from benchmarks.api_to_lake.task import FULL, QUICK, Task
from benchmarks.figures import HEADER, MEBIBYTE, Round, goal, last_line, line, middle
from datastream.errors import DatastreamError

NAME = "api_to_lake"
UNIT = "records/s"
ROUNDS = 3
LEAST_RATE = 50_000
LEAST_RATIO = 3.0
MOST_BYTES = 800 * MEBIBYTE
_INTERRUPTED = 130


def arguments(given: Sequence[str] | None = None) -> tuple[Task, int]:
    """Return the task and the number of rounds that a command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.api_to_lake",
        description="Compare our main job with dlt: the same local API, the same run, Parquet on local disk.",
    )
    parser.add_argument("--quick", action="store_true", help="one round each on 100 of the 337 pages, within 60 s")
    parser.add_argument("--rounds", type=_rounds, help=f"rounds each, in turn (default {ROUNDS}, 1 with --quick)")
    asked = parser.parse_args(given)
    return (QUICK, asked.rounds or 1) if asked.quick else (FULL, asked.rounds or ROUNDS)


def _rounds(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def main() -> None:
    """Measure, and leave nothing behind, also when told to stop."""
    task, rounds = arguments()
    signal.signal(signal.SIGTERM, _stop)
    try:
        ours, peer = measure(task, rounds)
    except DatastreamError as error:
        sys.exit(f"benchmarks.{NAME}: {error}")
    except KeyboardInterrupt:
        print("Stopped; nothing was left running, and nothing on disk.", file=sys.stderr)
        sys.exit(_INTERRUPTED)
    conclude(middle(ours), middle(peer))


def measure(task: Task, rounds: int) -> tuple[list[Round], list[Round]]:
    """Run both in turn, so that a machine that grows slow is slow for both."""
    from benchmarks.api_to_lake.surroundings import surroundings

    print(f"{task.rows:,} flights since {task.since}, {rounds} round(s) each, in turn", flush=True)
    ours: list[Round] = []
    peer: list[Round] = []
    with surroundings() as around:
        print(HEADER)
        for number in range(1, rounds + 1):
            for who, run, measured in (("datastream", around.ours, ours), ("dlt", around.peer, peer)):
                measured.append(run(task))
                print(line(f"round {number}", who, measured[-1]), flush=True)
    return ours, peer


def conclude(ours: Round, peer: Round) -> None:
    """Print the medians, the goals, and the line for machines."""
    print(line("median", "datastream", ours))
    print(line("median", "dlt", peer))
    print(goal(f"at least {LEAST_RATE:,} {UNIT}", reached=ours.rate >= LEAST_RATE))
    print(goal(f"peak memory under {MOST_BYTES // MEBIBYTE} MB", reached=ours.peak_bytes < MOST_BYTES))
    print(goal(f"at least {LEAST_RATIO:g} times dlt", reached=ours.rate >= LEAST_RATIO * peer.rate))
    print(last_line(NAME, UNIT, ours.rate, peer.rate))


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
