"""Hold what is on the lake against today's suite: every row of every commit of a window, and report.

Run it by hand with `python -m flows.data_validation flights P7D`, or by its deployment `data-validation/flights`.
"""

from prefect import flow
from prefect.states import State

from blocks import DataLake
from datastream.lookback import judge
from tasks import LookbackReport, look_back, run_as_command


@flow(name="data-validation", flow_run_name="{stream} {window}", persist_result=False)
def data_validation(stream: str, window: str = "P1D", lake: DataLake | None = None) -> State[None]:
    """Validate what `stream` committed within `window`; nothing on the lake is changed.

    Args:
        stream: Its name, as in streams/.
        window: How far to look back, as a duration of ISO 8601 such as P1D or PT6H, or `all`.
        lake: Where it is committed; without it, DATASTREAM_LAKE_URI.
    """
    lookback = look_back(stream, window, lake)
    report = LookbackReport(lookback)
    for piece in lookback.pieces:
        report.add(judge(lookback, piece))
    return report.publish()


if __name__ == "__main__":
    run_as_command(data_validation, usage="python -m flows.data_validation STREAM [WINDOW]", most=2)
