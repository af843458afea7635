"""One run of the checks with its page. It stands beside the main module, which a new process does not load."""

from datetime import timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import NamedTuple

from datastream.clock import ManualClock
from datastream.connections import LakeConfig
from datastream.health.looking import check_stream
from datastream.lake import layout
from datastream.lake.lake import open_lake
from datastream.lake.manifest import RuleResult
from datastream.report.writing import write
from tests.conftest import stream_of
from tests.report.simulated import BEGIN, Paged, bad

HOUR = timedelta(hours=1)
RULE = "amount not null"


class Cost(NamedTuple):
    """What one run took, in seconds, those of them in which it computed, and the bytes of its page."""

    checks: float
    page: float
    computed: float
    size: int

    @property
    def whole(self) -> float:
        """Return all of it."""
        return self.checks + self.page


def lake_at(folder: Path, hours: int) -> Paged:
    """Return a stream and its lake, so many hours after its beginning."""
    store = open_lake(LakeConfig(uri=folder.as_uri()))
    return Paged(stream_of(quality={"fresh_within": "PT6H"}), store, ManualClock(BEGIN + hours * HOUR))


def run(paged: Paged) -> Cost:
    """Let the stream make a commit, and return what its checks and its page cost then."""
    number = int(paged.clock.now().timestamp() // HOUR.total_seconds())
    aside = [bad(RULE, None, id=n, amount=None, city="Oslo") for n in range(3 if number % 4 == 0 else 0)]
    rules = [RuleResult(rule=RULE, severity="critical", success=not aside, rows=len(aside))]
    paged.load(100 + number % 24, aside=aside, rules=rules, run="benchmark")
    began, computed = perf_counter(), process_time()
    check_stream(paged.stream, paged.store, run="benchmark", clock=paged.clock)
    checked = perf_counter()
    write(paged.store, {paged.stream.name: paged.stream})
    page, computed = perf_counter() - checked, process_time() - computed
    return Cost(checked - began, page, computed, len(paged.store.read(layout.PAGE) or b""))


def run_at(folder: Path, hours: int) -> Cost:
    """Run once on a lake that was checked each hour until then."""
    return run(lake_at(folder, hours))


def fill(folder: Path, runs: int) -> None:
    """Check a stream so many times."""
    paged = lake_at(folder, 0)
    for number in range(1, runs + 1):
        run(paged)
        if number % 500 == 0:
            print(f"  {number:6,} runs", flush=True)
