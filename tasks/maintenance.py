"""Keeps a stream's files up for a run, and shows in the Prefect UI what was done."""

from prefect import get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from blocks import DataLake, StreamBuffer
from datastream import maintenance
from datastream.catalog import Catalog
from datastream.lake.lake import open_lake
from datastream.maintenance import Done
from datastream.settings import Settings
from tasks.logs import sentences_only
from tasks.progress import artifact_key
from tasks.showing import Showing


@task(task_run_name="keep up {name}", cache_policy=NO_CACHE, persist_result=False)
def keep_up(name: str, lake: DataLake | None, buffer: StreamBuffer | None) -> Done:
    """Expire, compact and sweep as the stream's file asks for it."""
    sentences_only()
    settings = Settings.read()
    kept, store = Catalog(settings.streams).upkeep(name), open_lake(lake or settings.lake)
    return maintenance.maintain(kept, store, run=flow_run.id or "by hand", buffer=buffer or settings.buffer)


def tell(done: Done) -> State[None]:
    """Show a line a step, and return the state in which the run ends."""
    for row in done.rows:
        get_run_logger().info("%s: %s", row["step"], row["did"])
    Showing()(lambda: create_table_artifact(done.rows, key=artifact_key(done.stream, "maintenance")))
    said = "; ".join(f"{row['step']}: {row['did']}" for row in done.rows)
    return Failed(message="; ".join(done.problems)) if done.problems else Completed(message=said)
