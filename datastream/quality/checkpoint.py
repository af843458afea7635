"""The checkpoint: data and a suite go in, a row-exact verdict comes out. Nothing is sampled, nothing is stored,
and calls share nothing, so threads may judge side by side.
"""

import json
from typing import TYPE_CHECKING, Any

from datastream.quality import gx
from datastream.quality.frame import frame_of
from datastream.quality.suite import Rule, Suite
from datastream.quality.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_OBSERVED_CHARACTERS = 200


def validate(data: "pa.Table | pd.DataFrame", suite: Suite) -> Verdict:
    """Return what the suite says of every row. An expectation that cannot answer raises SuiteErrored: there is
    no verdict then, and in no case a good one.
    """
    court = gx.ready(suite)
    frame = frame_of(data, court.demand)
    there = getattr(data, "column_names", data.columns)
    answers = zip(suite.rules, gx.judge(court, frame, there), strict=True)
    return Verdict(len(frame), tuple(_outcome(rule, success, result) for rule, (success, result) in answers))


def _outcome(rule: Rule, success: bool, result: dict[str, Any]) -> Outcome:  # noqa: FBT001 - the second is no option
    rows = result.get("unexpected_index_list")
    if rows is None:
        return Outcome(rule, success, row_wise=False, observed=_observed(result.get("observed_value")))
    return Outcome(rule, success, row_wise=True, unexpected_index_list=[int(row) for row in rows])


def _observed(value: Any) -> Any:
    text = json.dumps(value, default=_plain, ensure_ascii=False)
    if len(text) > _OBSERVED_CHARACTERS:
        return f"{text[: _OBSERVED_CHARACTERS - 3]}..."
    return json.loads(text)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)
