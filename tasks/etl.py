"""The steps from claim to commit, as Prefect tasks."""

from functools import partial

from prefect import task
from prefect.cache_policies import NO_CACHE

from datastream import pipeline
from datastream.claim import Batch, Claim
from datastream.lake.manifest import Manifest
from datastream.lake.plan import Plan
from datastream.lane import Lane
from datastream.quality import Verdict

# The lake's log decides what is done; a cached or stored result would be a second truth, and hashing rows is slow.
_step = partial(task, cache_policy=NO_CACHE, persist_result=False)


@_step(task_run_name="transform {claim}")
def transform(lane: Lane, claim: Claim) -> Batch:
    """Leave out what the lane has already, and run the stream's transform on the rest."""
    return pipeline.transform(lane, claim)


@_step(task_run_name="check {batch}")
def check(lane: Lane, batch: Batch) -> Verdict:
    """Ask the stream's suite about every row."""
    return pipeline.check(lane, batch)


@_step(task_run_name="decide {batch}")
def decide(lane: Lane, batch: Batch, verdict: Verdict) -> Plan | None:
    """Make the claim's plan durable; None if another worker has committed the claim already."""
    return pipeline.decide(lane, batch, verdict)


@_step(task_run_name="store {plan}")
def store(lane: Lane, plan: Plan) -> Manifest:
    """Write the plan's files, commit them, and forget the plan."""
    return pipeline.complete(lane, plan)
