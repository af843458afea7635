"""Fill in a range of a stream, slice after slice, with whoever else runs the same: start it on as many machines as you
like.

Run it by hand with `python -m flows.backfill flights 2013-01-01 2013-02-01 day`, or by a deployment. The command
`datastream backfill` runs several of it, and shows how far they are.
"""

from prefect import flow

from blocks import DataLake, EventBus, StreamBuffer
from flows.etl_pipeline import drain
from tasks import open_backfill, run_as_command, seen_at_work


@flow(name="backfill", flow_run_name="{stream} {start} to {end}", persist_result=False)
@seen_at_work
def backfill(
    stream: str,
    start: str,
    end: str,
    every: str | None = None,
    lake: DataLake | None = None,
    buffer: StreamBuffer | None = None,
    events: EventBus | None = None,
) -> None:
    """Load the records of `stream` whose cursor value lies between `start` and `end`, which the range does not hold.

    Args:
        stream: Its name, as in streams/.
        start: A time such as 2013-01-01 or 2013-01-01T12:00:00Z, or a number if the stream's cursor is one.
        end: The same; it is cut off where ordinary runs of the stream begin to read.
        every: How long a slice is: hour, day, week, month, or a duration of ISO 8601; without it, there is one.
        lake: Where it is committed; without it, DATASTREAM_LAKE_URI.
        buffer: What keeps the leases, by which runs share the slices; without it, DATASTREAM_REDIS_URL.
        events: Where commits are announced; without it, DATASTREAM_RABBITMQ_URL.
    """
    with open_backfill(stream, (start, end, every), lake, buffer, events) as (lanes, report):
        for lane in lanes:
            with report.draining(lane):
                drain(lane, report)


if __name__ == "__main__":
    run_as_command(backfill, usage="python -m flows.backfill STREAM START END [EVERY]", least=3, most=4)
