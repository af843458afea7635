"""Ask of what a stream committed whether it is fresh, enough and clean, and whether its columns are what they were.

Run it by hand with `python -m flows.quality_checks flights`, or by its deployment `quality-checks/flights`.
"""

from prefect import flow
from prefect.states import State

from blocks import DataLake
from tasks import ask, run_as_command, show


@flow(name="quality-checks", flow_run_name="{stream}", persist_result=False)
def quality_checks(stream: str, lake: DataLake | None = None) -> State[None]:
    """Hold the commits of `stream` against what its file expects of them, from the log alone.

    Args:
        stream: Its name, as in streams/.
        lake: Where it is committed; without it, DATASTREAM_LAKE_URI.
    """
    return show(stream, ask(stream, lake))


if __name__ == "__main__":
    run_as_command(quality_checks, usage="python -m flows.quality_checks STREAM")
