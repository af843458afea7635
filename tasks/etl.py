"""The steps from claim to commit. The two that take time are Prefect tasks, with runs of their own in the UI.

`transform` and `decide` are plain functions: each takes less than the 40 ms of processor time that the record of a task
run costs the Prefect server.
"""

from prefect import task
from prefect.cache_policies import NO_CACHE

from datastream import pipeline
from datastream.claim import Batch
from datastream.lake.manifest import Manifest
from datastream.lake.plan import Plan
from datastream.lane import Lane
from datastream.pipeline import decide, transform
from datastream.quality import Verdict

__all__ = ["check", "decide", "store", "transform"]


# The lake's log decides what is done; a cached or stored result would be a second truth, and hashing rows is slow.
@task(task_run_name="check {batch}", cache_policy=NO_CACHE, persist_result=False)
def check(lane: Lane, batch: Batch) -> Verdict:
    """Ask the stream's suite about every row."""
    return pipeline.check(lane, batch)


@task(task_run_name="store {plan}", cache_policy=NO_CACHE, persist_result=False)
def store(lane: Lane, plan: Plan) -> Manifest:
    """Write the plan's files, commit them, and forget the plan."""
    return pipeline.complete(lane, plan)
