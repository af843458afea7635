"""Let a claim go that is held in quarantine, or keep it there for good.

Run it by hand with `datastream quarantine release|reject COMMIT`, or by its deployment `release-quarantine/flights`.
"""

from prefect import flow
from prefect.client.schemas.objects import State

from blocks import DataLake, EventBus, StreamBuffer
from tasks import decide_held, run_as_command, seen_at_work, tell_replayed


@flow(name="release-quarantine", flow_run_name="{stream} {commit}", persist_result=False)
@seen_at_work
def release_quarantine(
    stream: str,
    commit: str,
    reject: bool = False,  # noqa: FBT001, FBT002 - a switch of the form that starts it
    lake: DataLake | None = None,
    buffer: StreamBuffer | None = None,
    events: EventBus | None = None,
) -> State[None]:
    """Load the held claim `commit` of `stream`, once.

    Args:
        stream: Its name, as in streams/.
        commit: The commit that is held, such as 0-000000000012.
        reject: Keep it in quarantine for good instead.
        lake: Where it is committed; without it, DATASTREAM_LAKE_URI.
        buffer: What keeps the lease; without it, DATASTREAM_REDIS_URL.
        events: Where commits are announced; without it, DATASTREAM_RABBITMQ_URL.
    """
    return tell_replayed(decide_held(stream, commit, lake, buffer, events, keep=reject))


if __name__ == "__main__":
    run_as_command(release_quarantine, usage="python -m flows.release_quarantine STREAM COMMIT", least=2, most=2)
