"""Measures: `python -m benchmarks.pages [--quick]`. Exits with 0 when it did, else with a sentence.

The network alone: all pages are asked for as the stream would, as many at a time, and looked at no further. The work
alone: the stream is drained from an API that answers at once. Both: from one that answers each page 50 ms later.
Whether the goal was reached is printed and does not change the exit code: another machine has other figures.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

import urllib3

from benchmarks.child import CandidateFailed
from benchmarks.figures import goal, last_line
from benchmarks.pages.api import LATENCY, served
from datastream.catalog import Catalog, Stream
from datastream.connections import ApiConfig, LakeConfig
from datastream.errors import DatastreamError
from datastream.intake.api import api_intake
from datastream.lake.lake import open_lake
from datastream.lake.verify import verify
from datastream.lane import open_lane
from datastream.pipeline import drain
from datastream.quality import load_suite, warm

PAGES, ROWS = 337, 336_776
MOST_TIMES = 1.5
ROOT = Path(__file__).resolve().parents[2]
CONNECTIONS = ApiConfig(base_url="http://127.0.0.1").connections
NUMBERED = "numbered, four at a time"
LINKED = "linked, one by one"


def stream(style: str) -> Stream:
    """Return the stream of the flights, its pages counted or each naming the next."""
    flights = Catalog(ROOT / "streams").stream("flights")
    if style == NUMBERED:
        return flights
    api = flights.api.model_dump() | {"path": "/flights/linked", "paginate": {"kind": "next_link", "next": "next"}}
    return Stream.model_validate(flights.model_dump(by_alias=True) | {"source": api})


def network(style: str, url: str) -> float:
    """Return how long all pages take that nobody looks at, in seconds."""
    pool = urllib3.PoolManager(maxsize=CONNECTIONS)
    began = perf_counter()
    if style == NUMBERED:
        pages = (f"{url}/flights?since=2013-01-01T00:00:00Z&page={number}" for number in range(1, PAGES + 1))
        with ThreadPoolExecutor(CONNECTIONS) as threads:
            list(threads.map(lambda page: pool.request("GET", page).data, pages))
    else:
        following: str | None = "/flights/linked?since=2013-01-01T00:00:00Z"
        while following:
            following = json.loads(pool.request("GET", url + following).data.rpartition(b'"next":')[2][:-1])
    return perf_counter() - began


def work(style: str, url: str) -> float:
    """Return how long it takes until everything is committed, in seconds. Raises CandidateFailed."""
    described = stream(style)
    suite = load_suite(ROOT / "expectations", "flights")
    with tempfile.TemporaryDirectory(prefix="datastream-benchmark-") as folder:
        store = open_lake(LakeConfig(uri=Path(folder).as_uri()))
        began = perf_counter()
        with (
            api_intake(described, ApiConfig(base_url=url, private_networks=["127.0.0.1"])) as intake,
            open_lane(described, suite, store, intake, run="benchmark") as lane,
        ):
            drain(lane)
        took = perf_counter() - began
        found = verify(store, "flights")
        if not found.ok or found.read != ROWS:
            raise CandidateFailed(f"The lake should hold {ROWS:,} rows: {found}")
    return took


def main(given: Sequence[str] | None = None) -> None:
    """Measure each in turn, and leave nothing behind."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description="See docs/speed.md.")
    parser.add_argument("--quick", action="store_true", help="one round, half a minute; else three")
    rounds = 1 if parser.parse_args(given).quick else 3
    try:
        measure(rounds)
    except DatastreamError as error:
        sys.exit(f"benchmarks.pages: {error}")


def measure(rounds: int) -> None:
    """Print each round, the medians and the goal, and one line for machines."""
    print(f"{PAGES} pages of flights, each {LATENCY.total_seconds() * 1000:g} ms late; seconds")
    print(f"{'':26} {'network':>8} {'work':>8} {'both':>8} {'times':>6}")
    with ExitStack() as held:
        at_once, late = (held.enter_context(served(each)) for each in (timedelta(), LATENCY))
        warm()
        for style in (LINKED, NUMBERED):
            found = [(network(style, late), work(style, at_once), work(style, late)) for _ in range(rounds)]
            alone, busy, both = (median(each) for each in zip(*found, strict=True))
            times = [each[2] / max(each[:2]) for each in found]
            print(f"{style:26} {alone:8.2f} {busy:8.2f} {both:8.2f} {median(times):6.2f}")
            print(goal(f"within {MOST_TIMES:g} times of the slower of both", reached=median(times) <= MOST_TIMES))
    print(last_line("pages", "s", both, max(alone, busy)))


if __name__ == "__main__":
    main()
