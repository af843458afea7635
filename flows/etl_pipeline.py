"""Load a stream: take everything that waits at its source, check it row by row, and commit it exactly once.

Run it by hand with `python -m flows.etl_pipeline flights`, or by its deployment `etl-pipeline/flights`.
"""

from prefect import flow

from blocks import DataLake, EventBus, StreamBuffer
from datastream.lane import Lane
from datastream.pipeline import claims, decided
from tasks import Report, check, decide, open_stream, run_as_command, seen_at_work, store, transform, yields_when_busy


@flow(name="etl-pipeline", flow_run_name="{stream}", persist_result=False)
@seen_at_work
@yields_when_busy
def etl_pipeline(
    stream: str, lake: DataLake | None = None, buffer: StreamBuffer | None = None, events: EventBus | None = None
) -> None:
    """Load everything that waits at the source of `stream` into `lake`, lane after lane, claim after claim."""
    with open_stream(stream, lake, buffer, events) as (lanes, report):
        for lane in lanes:
            with report.draining(lane):
                drain(lane, report)


def drain(lane: Lane, report: Report) -> None:
    """Load what waits in one lane, claim after claim; first comes what an earlier run decided."""
    for begun in decided(lane):
        report.add(begun, store(lane, begun))
    for claim in claims(lane):
        batch = transform(lane, claim)
        verdict = check(lane, batch)
        plan = decide(lane, batch, verdict)
        if plan is not None:
            report.add(plan, store(lane, plan), verdict)


if __name__ == "__main__":
    run_as_command(etl_pipeline, usage="python -m flows.etl_pipeline STREAM")
