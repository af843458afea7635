"""Measures: `python -m benchmarks.quality [--quick]`. Exits with 0 when it did, else with a sentence.

Both are asked in turn, in one process, and must name the same rows. Whether the goals were reached is printed and does
not change the exit code: another machine has other figures.
"""

import argparse
import gc
import json
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, TypeVar

import pyarrow as pa

from benchmarks.child import CandidateFailed
from benchmarks.figures import goal, last_line
from benchmarks.lake.claims import ROWS, flights
from datastream.errors import DatastreamError
from datastream.quality import Suite, load_suite, validate, warm
from datastream.records import RECORD_ID
from streams.flights import clean

MOST_TIMES = 1.3
MOST_MICROSECONDS = 3.0
EXPECTATIONS = Path(__file__).resolve().parents[2] / "expectations"
T = TypeVar("T")


def main() -> None:
    """Measure both in turn, and print the rounds, the goals and the line for machines."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description="What a verdict costs.")
    parser.add_argument("--quick", action="store_true", help="five rounds instead of twenty-one")
    rounds = 5 if parser.parse_args().quick else 21
    try:
        conclude(*compare(table(ROWS), load_suite(EXPECTATIONS, "flights"), rounds), rows=ROWS)
    except DatastreamError as error:
        sys.exit(f"benchmarks.quality: {error}")


def table(rows: int) -> pa.Table:
    """Return a claim of flights as it comes to the check."""
    found = flights(rows)[0]
    return clean(found.append_column(RECORD_ID, pa.array([str(row) for row in range(rows)])))


def compare(data: pa.Table, suite: Suite, rounds: int) -> tuple[list[float], list[float]]:
    """Return how long ours and the peer take, in milliseconds; a first round of each is not counted."""
    warm()
    ours, theirs = [], []
    for number in range(rounds + 1):
        took, verdict = timed(partial(validate, data, suite))
        asked = partial(peer_batch(data).validate, peer_suite(suite), result_format="COMPLETE")
        peer_took, peer = timed(asked)
        agree([(o.success, o.unexpected_index_list) for o in verdict.expectations], said(suite, peer))
        if number:
            ours.append(took)
            theirs.append(peer_took)
            print(f"round {number:2}: ours {took:6.1f} ms, Great Expectations {peer_took:6.1f} ms", flush=True)
    return ours, theirs


def timed(job: Callable[[], T]) -> tuple[float, T]:
    """Return how long a job takes, in milliseconds, and its result."""
    gc.collect()
    began = perf_counter()
    result = job()
    return (perf_counter() - began) * 1000, result


@cache
def _definition() -> Any:
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("benchmark").add_dataframe_asset("flights")
    return asset.add_batch_definition_whole_dataframe("whole")


def peer_batch(data: pa.Table) -> Any:
    """Return the data as Great Expectations wants it."""
    return _definition().get_batch({"dataframe": data.to_pandas()})


@cache
def peer_suite(suite: Suite) -> Any:
    """Return the suite as Great Expectations reads it from its file."""
    import great_expectations as gx

    return gx.ExpectationSuite(**json.loads((EXPECTATIONS / f"{suite.name}.json").read_text()))


def said(suite: Suite, peer: Any) -> list[tuple[bool, list[int]]]:
    """Return what the peer says of each rule, in the order of the suite; it answers in another."""
    by_rule = {
        json.dumps([each.expectation_config.type, _of_rule(each.expectation_config.kwargs)], sort_keys=True): each
        for each in peer.results
    }
    answers = (by_rule[json.dumps([rule.type, _of_rule(rule.kwargs)], sort_keys=True)] for rule in suite.rules)
    return [(each.success, each.result.get("unexpected_index_list") or []) for each in answers]


def _of_rule(kwargs: Any) -> dict[str, Any]:
    numbers = (int, float)
    return {k: float(v) if isinstance(v, numbers) else v for k, v in kwargs.items() if k != "batch_id"}


def agree(ours: list[tuple[bool, list[int]]], peer: list[tuple[bool, list[int]]]) -> None:
    """Raise CandidateFailed unless both name the same rows."""
    if ours != peer:
        raise CandidateFailed("The verdict and Great Expectations' own answer differ, so their times say nothing.")


def conclude(ours: list[float], peer: list[float], rows: int) -> None:
    """Print the goals and the line for machines."""
    took, peer_took = median(ours), median(peer)
    microseconds = took * 1000 / rows
    times = took / peer_took
    print(goal(f"at most {MOST_TIMES:g} times Great Expectations' own run: {times:.2f}", reached=times <= MOST_TIMES))
    print(
        goal(
            f"less than {MOST_MICROSECONDS:g} microseconds a row: {microseconds:.2f}",
            reached=microseconds < MOST_MICROSECONDS,
        )
    )
    print(last_line("quality", "ms", took, peer_took, microseconds_a_row=microseconds))


if __name__ == "__main__":
    main()
