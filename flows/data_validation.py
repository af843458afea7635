"""Hold what is on the lake against today's suite, row by row, and report; or try another suite on it.

Run it by hand with `python -m flows.data_validation flights P7D`, or by its deployment `data-validation/flights`.
"""

from prefect import flow
from prefect.client.schemas.objects import State

from blocks import DataLake
from datastream.lookback import judge
from tasks import BacktestReport, LookbackReport, look_back, run_as_command, seen_at_work, try_suite, validate_file


@flow(name="data-validation", flow_run_name="{stream} {window}", persist_result=False)
@seen_at_work
def data_validation(
    stream: str, window: str = "P1D", lake: DataLake | None = None, suite: str | None = None, file: str | None = None
) -> State[None]:
    """Validate what `stream` committed within `window`; nothing on the lake is changed.

    Args:
        stream: Its name, as in streams/.
        window: How far to look back, as a duration of ISO 8601 such as P1D or PT6H, or `all`.
        lake: Where it is committed; without it, DATASTREAM_LAKE_URI.
        suite: Another suite of expectations/: what would it have rejected, by rule and by day?
        file: A file of JSON lines, CSV or Parquet where the run is, to be validated instead of the lake.
    """
    if file is not None:
        return validate_file(stream, suite, file)
    if suite is not None:
        tried = BacktestReport(try_suite(stream, suite, window, lake))
        for case in tried.cases:
            tried.add(case)
        return tried.publish()
    lookback = look_back(stream, window, lake)
    report = LookbackReport(lookback)
    for piece in lookback.pieces:
        report.add(judge(lookback, piece))
    return report.publish()


if __name__ == "__main__":
    run_as_command(data_validation, usage="python -m flows.data_validation STREAM [WINDOW]", most=2)
