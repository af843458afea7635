"""Send rows that were set aside through today's rules again, and load those that are good by now, once.

Run it by hand with `datastream quarantine replay flights`, or by its deployment `replay-quarantine/flights`.
"""

from prefect import flow
from prefect.client.schemas.objects import State

from blocks import DataLake, EventBus, StreamBuffer
from datastream.quarantine import Wanted
from tasks import replay_rows, run_as_command, seen_at_work, tell_replayed


@flow(name="replay-quarantine", flow_run_name="{stream}", persist_result=False)
@seen_at_work
def replay_quarantine(
    stream: str,
    where: str | None = None,
    mended: dict[str, str] | None = None,
    lake: DataLake | None = None,
    buffer: StreamBuffer | None = None,
    events: EventBus | None = None,
) -> State[None]:
    """Replay the quarantine of `stream`; what still breaks a rule stays there.

    Args:
        stream: Its name, as in streams/.
        where: Which rows, as SQL over the columns of its quarantine, such as `origin is null`; without it, all.
        mended: Fields of the record as it was received, each with the SQL that gives its new value.
        lake: Where it is committed; without it, DATASTREAM_LAKE_URI.
        buffer: What keeps the lease; without it, DATASTREAM_REDIS_URL.
        events: Where commits are announced; without it, DATASTREAM_RABBITMQ_URL.
    """
    return tell_replayed(replay_rows(stream, Wanted(where=where, mended=mended or {}), lake, buffer, events))


if __name__ == "__main__":
    run_as_command(replay_quarantine, usage="python -m flows.replay_quarantine STREAM [WHERE]", most=2)
