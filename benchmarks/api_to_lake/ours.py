"""Our candidate: the real flow `etl_pipeline`, run once in this process, on a lake that was empty.

Before the clock starts this process has what the platform's warm starts have, its imports, and has run an empty flow.
What counts is the run: its block, its states on the Prefect server, tasks, logs and artifacts, the lease, Great
Expectations on every row, plan, Parquet and manifest, each synced to disk. It is done when the server has taken its
state Completed. The call returns up to a second later, because Prefect's heartbeat thread sleeps by the second; that
is told beside it. What arrived is recounted from the files afterwards.
"""

from typing import Any

from benchmarks.api_to_lake.task import STREAM
from benchmarks.child import CandidateFailed, Stopwatch, asked


def main() -> None:
    """Do the task, measure it, count what arrived, report."""
    task = asked()
    watch = Stopwatch(task)
    flow = _ready(task, watch)
    from blocks import DataLake

    watch.start()
    flow(STREAM, lake=DataLake.load("local"))
    watch.returned()
    watch.report(_arrived(task))


def _ready(task: dict[str, Any], watch: Stopwatch) -> Any:
    """Import, register the blocks, run an empty flow, and return the real one, which will tell when it is completed."""
    from prefect import flow

    from blocks import DataLake
    from datastream.quality import warm
    from datastream.settings import Settings
    from deployments.registration import register_blocks
    from flows.etl_pipeline import etl_pipeline

    warm()
    register_blocks(Settings.read(), task["api"])

    @flow(name="warm-up", persist_result=False)
    def nothing(lake: DataLake) -> None:
        """Make Prefect import what it puts off, and its server do so too."""

    nothing(DataLake.load("local"))
    return etl_pipeline.with_options(on_completion=[lambda _flow, _run, _state: watch.done()])


def _arrived(task: dict[str, Any]) -> int:
    """Open every file, and return how many records were read. Raises CandidateFailed unless each row is in place."""
    from datastream.connections import LakeConfig
    from datastream.lake.lake import open_lake
    from datastream.lake.verify import verify

    found = verify(open_lake(LakeConfig(uri=task["lake_uri"])), STREAM)
    wanted = (task["rows"], task["rows"] - task["bad_rows"], task["bad_rows"], 0)
    if not found.ok or (found.read, found.loaded, found.quarantined, found.duplicates) != wanted:
        raise CandidateFailed(f"The lake should hold (read, loaded, quarantined, duplicates) {wanted}: {found}")
    return found.read


if __name__ == "__main__":
    main()
