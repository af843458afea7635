"""The way back from quarantine for a run: rows are replayed, held claims decided, and the UI shows the outcome."""

from datetime import timedelta

from prefect import get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed

from blocks import DataLake, EventBus, StreamBuffer
from datastream.lake.manifest import Manifest
from datastream.quarantine import Replayed, Wanted, reject, release, replay
from tasks.asset import materialize_rows
from tasks.lane import opening_of_run
from tasks.progress import artifact_key
from tasks.showing import Showing

PATIENCE = timedelta(seconds=60)
"""So long is waited for another replay of the stream."""


@task(task_run_name="replay {name}", cache_policy=NO_CACHE, persist_result=False)
def replay_rows(
    name: str, wanted: Wanted, lake: DataLake | None, buffer: StreamBuffer | None, events: EventBus | None
) -> Replayed:
    """Send the rows that are wanted through today's rules, and load those that are good."""
    with opening_of_run(name, lake, buffer, events) as opening, opening.replaying(PATIENCE) as lane:
        return replay(lane, wanted, _log)


@task(task_run_name="decide {name} {commit}", cache_policy=NO_CACHE, persist_result=False)
def decide_held(
    name: str, commit: str, lake: DataLake | None, buffer: StreamBuffer | None, events: EventBus | None, *, keep: bool
) -> Replayed:
    """Let a held claim go, or `keep` it in quarantine for good."""
    with opening_of_run(name, lake, buffer, events) as opening, opening.replaying(PATIENCE) as lane:
        if not keep:
            return release(lane, commit, _log)
        rejected = reject(lane, commit)
        return Replayed(stream=name, taken=rejected.rows, left={"rejected": rejected.rows})


def tell_replayed(done: Replayed) -> State[None]:
    """Show what became of the rows, and return the state in which the run ends."""
    rows = [{"rows": f"{done.loaded:,}", "what": "loaded"}]
    rows += [{"rows": f"{count:,}", "what": f"stay: {rule}"} for rule, count in done.left.items()]
    rows += [{"rows": "", "what": f"not met as a whole, which keeps none back: {rule}"} for rule in done.warned]
    key = artifact_key(done.stream, "replay")
    Showing()(lambda: create_table_artifact(rows, key=key, description=str(done)))
    if done.loaded:
        about = {"rows_loaded": done.loaded, "rows_stay": done.stays, "commits": len(done.commits)}
        materialize_rows(done.stream, about)
    return Completed(message=str(done))


def _log(commit: Manifest) -> None:
    get_run_logger().info("commit %s: %s rows loaded from quarantine", commit, commit.header.accounts.replayed)
