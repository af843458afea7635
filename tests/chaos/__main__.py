"""Kill, stop, starve and redeploy the main job again and again, and count what is lost, doubled or unreadable.

    python -m tests.chaos            at least 500 kills, each point 30 times in a folder and on S3: some ten minutes
    python -m tests.chaos --quick    every fault, each point once: within a minute

The last line is JSON. It exits with 1 if anything was lost, doubled or unreadable, or another promise was broken, or
something that has to happen in such a run did not.
"""

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path
from time import monotonic

from tests.chaos.plants import PLANTS
from tests.chaos.run import FULL, QUICK, Chaos
from tests.chaos.table import table
from tests.chaos.tally import Tally


def main() -> int:
    """Run, and say how it went."""
    asked = _asked()
    # Whoever is killed leaves a semaphore of tqdm to Python's tracker, which cleans up and would say so at the end.
    sys.warnoptions.append("ignore:resource_tracker:UserWarning")
    seed = random.randrange(10**6) if asked.seed is None else asked.seed
    sys.stdout.write(f"seed {seed}\n")
    began = monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        chaos = Chaos(QUICK if asked.quick else FULL, seed, Path(folder), asked.plant)
        tally = chaos.run(lambda line: print(f"{monotonic() - began:5.0f} s  {line}", flush=True))  # noqa: T201
    problems = "".join(f"PROBLEM {problem[:2000]}\n" for problem in tally.problems)
    sys.stdout.write(f"{table(tally)}\n{problems}{figures(tally, seed, monotonic() - began)}\n")
    return 0 if tally.clean else 1


def _asked() -> argparse.Namespace:
    given = argparse.ArgumentParser(prog="python -m tests.chaos", description="Kill the main job, and count.")
    given.add_argument("--quick", action="store_true", help="within a minute")
    given.add_argument("--seed", type=int, help="that of an earlier run, to make the same choices again")
    given.add_argument("--plant", default="", choices=["", *PLANTS], help="a bug that has to be found")
    return given.parse_args()


def figures(tally: Tally, seed: int, seconds: float) -> str:
    """Return a run as one line of JSON."""
    return json.dumps({
        "records": tally.records, "kills": tally.kills.total(), "lost": tally.lost, "duplicated": tally.duplicated,
        "unreadable": tally.unreadable, "problems": len(tally.problems), "excused": tally.excused,
        "commits": tally.commits, "reads": tally.reads, "seconds": round(seconds), "seed": seed,
    })  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
