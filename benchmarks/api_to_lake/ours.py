"""Our candidate: the real flow `etl_pipeline`, run once in this process, on a lake that was empty.

Before the clock starts this process holds what the platform's warm starts hold: imports, and nothing else. What
counts is the flow: its block, its run on the Prefect server, tasks, logs and artifacts, the lease, Great Expectations
on every row, plan, Parquet and manifest, each synced to disk. What arrived is recounted from the files afterwards.
"""

from importlib import import_module
from typing import Any

from benchmarks.api_to_lake.task import STREAM
from benchmarks.child import CandidateFailed, Stopwatch, asked

# What Prefect and pyarrow put off until the middle of a run.
PUT_OFF = (
    "prefect.flow_engine",
    "prefect.task_engine",
    "prefect.utilities.visualization",
    "fastapi.encoders",
    "pyarrow.pandas_compat",
)


def main() -> None:
    """Do the task, measure it, count what arrived, report."""
    task = asked()
    watch = Stopwatch(task)
    flow = _imported()
    from blocks import DataLake
    from deployments.registration import register_blocks

    register_blocks(task["lake_uri"], task["api"])
    watch.start()
    flow(STREAM, lake=DataLake.load("local"))
    watch.stop()
    watch.report(_arrived(task))


def _imported() -> Any:
    for module in PUT_OFF:
        import_module(module)
    from datastream.quality import warm
    from flows.etl_pipeline import etl_pipeline

    warm()
    return etl_pipeline


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
