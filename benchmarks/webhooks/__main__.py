"""Measures: `python -m benchmarks.webhooks [--quick] [--rounds N]`. Exits with 0 when it did, else with a sentence.

Whether the goals were reached is printed and does not change the exit code: another machine has other figures.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from statistics import median
from types import FrameType

from benchmarks.figures import goal, last_line
from benchmarks.webhooks.candidates import OURS, PEER, measure
from benchmarks.webhooks.posts import Answers
from datastream.errors import DatastreamError

NAME = "webhooks"
UNIT = "posts/s"
POSTS, QUICK = 40_000, 10_000
ROUNDS = 3
LEAST_RATE = 5_000
LEAST_RATIO = 2.0
_INTERRUPTED = 130


def arguments(given: Sequence[str] | None = None) -> tuple[int, int]:
    """Return how many posts a round and how many rounds a command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.webhooks",
        description="Compare our gateway with a plain FastAPI: the same signed posts, the same Valkey.",
    )
    parser.add_argument("--quick", action="store_true", help=f"one round each of {QUICK:,} posts, within 20 s")
    parser.add_argument("--rounds", type=int, choices=range(1, 100), metavar="N", help=f"(default {ROUNDS})")
    asked = parser.parse_args(given)
    return (QUICK, asked.rounds or 1) if asked.quick else (POSTS, asked.rounds or ROUNDS)


def main() -> None:
    """Measure, and leave nothing behind, also when told to stop."""
    posts, rounds = arguments()
    signal.signal(signal.SIGTERM, _stop)
    try:
        conclude(*run(posts, rounds))
    except DatastreamError as error:
        sys.exit(f"benchmarks.{NAME}: {error}")
    except KeyboardInterrupt:
        print("Stopped; nothing was left running, and nothing on disk.", file=sys.stderr)
        sys.exit(_INTERRUPTED)


def run(posts: int, rounds: int) -> tuple[list[Answers], list[Answers]]:
    """Run both in turn, so that a machine that grows slow is slow for both."""
    print(f"{posts:,} signed posts a round, {rounds} round(s) each, in turn", flush=True)
    print(f"{'':9} {'who':12} {UNIT:>10} {'p50 ms':>8} {'p99 ms':>8}")
    measured: dict[str, list[Answers]] = {OURS.name: [], PEER.name: []}
    for number in range(1, rounds + 1):
        for candidate in (OURS, PEER):
            found = measure(candidate, posts)
            measured[candidate.name].append(found)
            print(line(f"round {number}", candidate.name, found), flush=True)
    return measured[OURS.name], measured[PEER.name]


def line(label: str, who: str, found: Answers) -> str:
    """Return one row of the table."""
    return f"{label:9} {who:12} {found.rate:10,.0f} {found.percentile(0.5):8.1f} {found.percentile(0.99):8.1f}"


def conclude(ours: Sequence[Answers], peer: Sequence[Answers]) -> None:
    """Print the goals, and the line for machines, by the medians."""
    rate, peers = (median(answers.rate for answers in side) for side in (ours, peer))
    print(goal(f"at least {LEAST_RATE:,} {UNIT}", reached=rate >= LEAST_RATE))
    print(goal(f"at least {LEAST_RATIO:g} times a plain FastAPI", reached=rate >= LEAST_RATIO * peers))
    print(last_line(NAME, UNIT, rate, peers))


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
