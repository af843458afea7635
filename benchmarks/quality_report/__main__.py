"""Measures: `python -m benchmarks.quality_report [--quick]`. Exits with 0 when it did.

Whether the goal was reached is printed and does not change the exit code: another machine has other figures.
"""

import argparse
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from benchmarks.figures import goal, last_line
from benchmarks.quality_report.run import Cost, fill, run_at

RUNS, QUICK, SHORT, SOME = 2000, 300, 100, 21
MOST_GROWTH = 1.2


def measure(folder: Path, runs: int) -> dict[str, list[Cost]]:
    """Return what runs cost on a lake without any before, with a hundred, and with so many.

    They are run in turn, so the machine is the same to all of them, whatever else it does meanwhile. The first run of
    all is the first of many lakes.
    """
    before = {"after 0": 0, f"after {SHORT}": SHORT, f"after {runs - SOME:,}": runs - SOME}
    for count in before.values():
        fill(folder / str(count), count)
    found: dict[str, list[Cost]] = {name: [] for name in before}
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as each:
        for turn in range(SOME):
            for at in range(len(before)):  # each comes first, second and third as often
                name, count = [*before.items()][(turn + at) % len(before)]
                where = (folder / f"first-{turn}", 0) if not count else (folder / str(count), count + turn)
                found[name].append(each.submit(run_at, *where).result())
    return found


def line(name: str, of: list[Cost]) -> str:
    """Return the medians of some runs."""
    checks, page, computed, size = (median(each) for each in zip(*of, strict=True))
    return (
        f"  {name:12} checks {checks * 1000:6.1f} ms, page {page * 1000:6.1f} ms, of that computed "
        f"{computed * 1000:6.1f} ms; {size / 1024:6.1f} KiB"
    )


def main() -> None:
    """Measure, print the goal and the line for machines, and leave nothing behind."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality_report", description="What a page costs.")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} runs, in a minute or two")
    runs = QUICK if parser.parse_args().quick else RUNS
    print(f"A stream with a commit an hour, checked after each, {runs:,} times", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), runs)
    print(f"{SOME} runs each, in processes of their own, medians:")
    for name, costs in found.items():
        print(line(name, costs))
    first, hundredth, last = (median(cost.whole for cost in costs) for costs in found.values())
    began, _, ended = (median(cost.computed for cost in costs) for costs in found.values())
    for what, now, before in (
        ("run 1 does", last, first),
        ("run 100 does", last, hundredth),
        ("run 1 computes", ended, began),
    ):
        said = f"run {runs:,} costs at most {MOST_GROWTH:g} times what {what}: {now / before:.2f}"
        print(goal(said, reached=now <= MOST_GROWTH * before))
    print(last_line("quality_report", "ms", last * 1000, first * 1000, computed=ended / began))


if __name__ == "__main__":
    main()
