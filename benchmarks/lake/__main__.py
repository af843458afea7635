"""Measures: `python -m benchmarks.lake [--quick]`. Exits with 0 when it did, else with a sentence.

Whether the goals were reached is printed and does not change the exit code: another machine has other figures.
"""

import argparse
import gc
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.figures import goal, last_line
from benchmarks.lake import bare
from benchmarks.lake.claims import ROWS, STREAM, NoIntake, batch, met
from benchmarks.lake.logs import commits_of, open_and_commit
from datastream import pipeline
from datastream.connections import LakeConfig
from datastream.decision import Place, decide
from datastream.errors import DatastreamError
from datastream.lake.encoding import planned
from datastream.lake.lake import open_lake
from datastream.lake.manifest import Versions
from datastream.lake.store import Store
from datastream.lake.verify import verify
from datastream.lane import open_lane
from datastream.quality import Suite
from tests.seaweedfs import seaweedfs

LEAST_RATE = 60_000
MOST_OVERHEAD = 0.35
MOST_SECONDS = 10.0
MOST_GROWTH = 2.0
SHORT, LONG = 100, 10_000
SUITE = Suite(name="flights", version="1", rules=())


def claim(store: Store, number: int) -> float:
    """Return how long one claim takes from its plan until it is settled, in seconds."""
    with open_lane(STREAM, SUITE, store, NoIntake(), run="benchmark") as lane:
        decided = decide(STREAM, SUITE, batch(number), met(ROWS), lane.place)
        with stopwatch() as took:
            plan = lane.log.decide(planned(decided))
            if plan is not None:
                pipeline.complete(lane, plan)
        return took[0]


@contextmanager
def stopwatch() -> Iterator[list[float]]:
    """Time what is within. Garbage is collected before, and not meanwhile."""
    took: list[float] = []
    gc.collect()
    gc.disable()
    began = perf_counter()
    try:
        yield took
    finally:
        took.append(perf_counter() - began)
        gc.enable()


def without(put: bare.Put, number: int) -> float:
    """Return how long the same files take bare: the same rows, with the columns of our own."""
    place = Place("0", 1, "benchmark", Versions(stream="", suite="", transform=""))
    table = decide(STREAM, SUITE, batch(number), met(ROWS), place).loaded
    with stopwatch() as took:
        bare.write(table, STREAM.batch.size, f"claim-{number}", put)
    return took[0]


def compare(where: str, store: Store, put: bare.Put, rounds: int) -> tuple[float, float]:
    """Print both in turn, and return the medians in seconds; a first round of each is not counted."""
    ours, theirs = [], []
    for number in range(rounds + 1):
        ours.append(claim(store, number))
        theirs.append(without(put, number))
        if number:
            print(
                f"  {where:6} round {number}: {ROWS / ours[-1]:9,.0f} records/s, bare {ROWS / theirs[-1]:9,.0f}",
                flush=True,
            )
    return median(ours[1:]), median(theirs[1:])


def long_logs(folder: Path, long: int) -> tuple[float, float]:
    """Print and return what opening a lane and one more commit takes after a short and a long log, in seconds."""
    found = []
    for count in (SHORT, long):
        store = open_lake(LakeConfig(uri=(folder / f"log-{count}").as_uri()))
        commits_of(store, count)
        found.append(median(open_and_commit(store) for _ in range(9)))
        print(f"  opening a lane and one more commit after {count:6,}: {found[-1] * 1000:6.1f} ms", flush=True)
    return found[0], found[1]


def recounted(store: Store, claims: int) -> float:
    """Return how long it takes to verify a lake of so many claims, in seconds."""
    for number in range(100, 100 + claims):
        claim(store, number)
    began = perf_counter()
    found = verify(store, STREAM.name)
    took = perf_counter() - began
    print(f"  verify of {found.loaded:,} rows in {found.files:,} files: {took:.1f} s", flush=True)
    if not found.ok:
        raise AssertionError(found.problems)
    return took


def main() -> None:
    """Measure, and leave nothing behind."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lake", description="What the commit protocol costs.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and smaller logs, within a minute")
    quick = parser.parse_args().quick
    try:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder), rounds=3 if quick else 9, long=1000 if quick else LONG, claims=4 if quick else 19)
    except DatastreamError as error:
        sys.exit(f"benchmarks.lake: {error}")


def measure(folder: Path, *, rounds: int, long: int, claims: int) -> None:
    """Measure everything, and print the goals and the line for machines."""
    print(f"A claim of {ROWS:,} flights in {ROWS // STREAM.batch.size} files", flush=True)
    on_disk = open_lake(LakeConfig(uri=(folder / "lake").as_uri()))
    disk, disk_bare = compare("disk", on_disk, bare.local(folder / "bare"), rounds)
    (folder / "s3").mkdir()
    with seaweedfs(folder / "s3") as config:
        s3, s3_bare = compare("S3", open_lake(config), bare.s3(config), rounds)
    short, after = long_logs(folder, long)
    took = recounted(on_disk, claims)
    rows = (claims + rounds + 1) * ROWS
    print(goal(f"at least {LEAST_RATE:,} records/s on S3: {ROWS / s3:,.0f}", reached=ROWS / s3 >= LEAST_RATE))
    for where, ours, theirs in (("disk", disk, disk_bare), ("S3", s3, s3_bare)):
        over = ours / theirs - 1
        print(
            goal(
                f"the protocol costs under 35 % of the bare files on {where}: {over:.0%}", reached=over < MOST_OVERHEAD
            )
        )
    print(goal(f"flat within {MOST_GROWTH:g} times: {after / short:.2f}", reached=after <= MOST_GROWTH * short))
    print(goal(f"{rows:,} rows verified within {MOST_SECONDS:g} s: {took:.1f}", reached=took < MOST_SECONDS))
    print(last_line("lake", "records/s", ROWS / s3, ROWS / s3_bare))


if __name__ == "__main__":
    main()
