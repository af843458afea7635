"""Measures: `python -m benchmarks.start [--quick]`. Exits with 0 when it did, else with a sentence.

Whether the goals were reached is printed and does not change the exit code: another machine has other figures.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from types import FrameType

from benchmarks.figures import goal, last_line
from benchmarks.start.pools import Pools, waited
from datastream.errors import DatastreamError
from deployments.stack import prefect_server
from deployments.stack.process import Process

MOST_MILLISECONDS = 1000.0
LEAST_TIMES = 10.0
ROUNDS, QUICK = 7, 3
_FLOW = "benchmarks.start.flow.start"
_INTERRUPTED = 130


def main() -> None:
    """Measure both in turn, and leave nothing behind, also when told to stop."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start", description="How long a run waits to start.")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} rounds instead of {ROUNDS}, within two minutes")
    rounds = QUICK if parser.parse_args().quick else ROUNDS
    signal.signal(signal.SIGTERM, _stop)
    try:
        conclude(*measure(rounds))
    except DatastreamError as error:
        sys.exit(f"benchmarks.start: {error}")
    except KeyboardInterrupt:
        print("Stopped; nothing was left running, and nothing on disk.", file=sys.stderr)
        sys.exit(_INTERRUPTED)


def measure(rounds: int) -> tuple[list[float], list[float], dict[str, float]]:
    """Return the milliseconds from Pending to Running, warm and stock in turn, and the parent's megabytes."""
    with tempfile.TemporaryDirectory(prefix="datastream-benchmark-") as name:
        folder = Path(name).resolve()
        with prefect_server(folder / "server") as api:
            pools = Pools(api, folder)
            with pools.parent() as parent, pools.worker("warm", warm=True), pools.worker("stock", warm=False):
                held = memory(parent)
                ours, peer = compare(pools, rounds)
    return ours, peer, held


def compare(pools: Pools, rounds: int) -> tuple[list[float], list[float]]:
    """Run the flow in both pools in turn, so that a machine that grows slow is slow for both."""
    took: dict[str, list[float]] = {"warm": [], "stock": []}
    deployed = {pool: pools.deploy(pool, _FLOW) for pool in took}
    for number in range(1, rounds + 1):
        for pool, times in took.items():
            times.append(waited(pools.wait(pools.start(deployed[pool]))).total_seconds() * 1000)
        print(f"round {number}: warm {took['warm'][-1]:8,.0f} ms, stock {took['stock'][-1]:8,.0f} ms", flush=True)
    return took["warm"], took["stock"]


def memory(parent: Process) -> dict[str, float]:
    """Return what an idle parent holds: alone, and with its share of what others hold too."""
    lines = [line.split() for line in Path(f"/proc/{parent.pid}/smaps_rollup").read_text().splitlines()]
    kilobytes = {line[0]: int(line[1]) for line in lines if line[-1] == "kB"}
    alone = kilobytes["Private_Clean:"] + kilobytes["Private_Dirty:"]
    return {"uss_mb": alone * 1024 / 1e6, "pss_mb": kilobytes["Pss:"] * 1024 / 1e6}


def conclude(ours: Sequence[float], peer: Sequence[float], held: dict[str, float]) -> None:
    """Print the medians, the goals, and the line for machines."""
    warm, stock = median(ours), median(peer)
    spreads = ", ".join(f"{who} {min(t):,.0f}-{max(t):,.0f}" for who, t in (("warm", ours), ("stock", peer)))
    print(f"median: warm {warm:,.0f} ms, stock {stock:,.0f} ms (spread: {spreads})")
    print(f"an idle parent holds {held['uss_mb']:.0f} MB of its own, {held['pss_mb']:.0f} MB with what it shares")
    print(
        goal(
            f"at most {MOST_MILLISECONDS:,.0f} ms from Pending to Running: {warm:,.0f}",
            reached=warm <= MOST_MILLISECONDS,
        )
    )
    print(goal(f"at least {LEAST_TIMES:g} times faster: {stock / warm:.1f}", reached=stock >= LEAST_TIMES * warm))
    print(last_line("start", "ms", warm, stock, **held))


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
