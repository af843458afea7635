"""Keep a stream's files up: let go what is old, put small files together, and delete what nobody needs any more.

Run it by hand with `python -m flows.lake_maintenance flights`, or by its deployment `lake-maintenance/flights`.
"""

from prefect import flow
from prefect.client.schemas.objects import State

from blocks import DataLake, StreamBuffer
from tasks import keep_up, run_as_command, seen_at_work, tell, yields_when_busy


@flow(name="lake-maintenance", flow_run_name="{stream}", persist_result=False)
@seen_at_work
@yields_when_busy
def lake_maintenance(stream: str, lake: DataLake | None = None, buffer: StreamBuffer | None = None) -> State[None]:
    """Do to the files of `stream` what its file asks for under `compact` and `retention`.

    Args:
        stream: Its name, as in streams/, or _quality for what quality-checks said of all.
        lake: Where it is committed; without it, DATASTREAM_LAKE_URI.
        buffer: What keeps the lease, so that two runs do not do the same work; without it, DATASTREAM_REDIS_URL.
    """
    return tell(keep_up(stream, lake, buffer))


if __name__ == "__main__":
    run_as_command(lake_maintenance, usage="python -m flows.lake_maintenance STREAM")
