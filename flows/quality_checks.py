"""Ask of what a stream committed whether it is fresh, enough and clean, and whether its columns are what they were.

What is said is kept in the lake's table `_quality`; what is wrong opens an incident, which is told and ends by itself.

Run it by hand with `python -m flows.quality_checks flights`, or by its deployment `quality-checks/flights`.
"""

from prefect import flow
from prefect.client.schemas.objects import State

from blocks import DataLake, EventBus, StreamBuffer
from tasks import ask, run_as_command, seen_at_work, show, yields_when_busy


@flow(name="quality-checks", flow_run_name="{stream}", persist_result=False)
@seen_at_work
@yields_when_busy
def quality_checks(
    stream: str, lake: DataLake | None = None, buffer: StreamBuffer | None = None, events: EventBus | None = None
) -> State[None]:
    """Hold the commits of `stream` since the last run against what its file and its past say of them.

    Args:
        stream: Its name, as in streams/.
        lake: Where it is committed; without it, DATASTREAM_LAKE_URI.
        buffer: What keeps the lease, by which two runs do not do the same work; without it, DATASTREAM_REDIS_URL.
        events: Where incidents are announced; without it, DATASTREAM_RABBITMQ_URL.
    """
    return show(ask(stream, lake, buffer, events))


if __name__ == "__main__":
    run_as_command(quality_checks, usage="python -m flows.quality_checks STREAM")
