"""The checkpoint: data and a suite go in, a row-exact verdict comes out. Nothing is sampled, nothing is stored,
and calls share nothing, so threads may judge side by side.
"""

import json
from typing import TYPE_CHECKING, Any

from datastream.quality import gx
from datastream.quality.culprits import ask_again
from datastream.quality.errors import SuiteBroken, SuiteEmpty
from datastream.quality.frame import columns_of, frame_of
from datastream.quality.gx import Answer
from datastream.quality.plain import plain
from datastream.quality.suite import Rule, Suite
from datastream.quality.verdict import Outcome, SetAside, Verdict

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_OBSERVED_CHARACTERS = 200


def validate(data: "pa.Table | pd.DataFrame", suite: Suite, set_aside: SetAside = "failed") -> Verdict:
    """Return what the suite says of every row. A few rows that make an expectation raise are named, and it is asked
    about the others. An expectation that cannot answer raises SuiteErrored: there is no verdict then, and in no case
    a good one. `set_aside` is whose unexpected rows count as bad.
    """
    if not isinstance(suite, Suite):
        way_out = "Give a Suite, as load_suite(Path('expectations'), 'flights') returns one."
        raise SuiteBroken(f"The suite is a {type(suite).__name__}", "it cannot be asked.", way_out)
    if not suite.rules:
        raise SuiteEmpty(suite.name, "in memory")
    outcomes: list[Outcome] = []
    for court in gx.ready(suite):
        frame = frame_of(data, court.demand)
        for member, answer in zip(court.judges, gx.ask(court, frame), strict=True):
            said, raised = (answer, {}) if answer else ask_again(suite, member, frame, columns_of(data))
            outcomes.append(_outcome(member.rule, said, raised, set_aside))
    return Verdict(len(data), tuple(sorted(outcomes, key=lambda outcome: outcome.rule.number)))


def _outcome(rule: Rule, said: Answer, raised: dict[int, str], aside: SetAside) -> Outcome:
    rows = said.result.get("unexpected_index_list")
    return Outcome(
        rule, said.success, row_wise=rows is not None, unexpected_index_list=[int(row) for row in rows or ()],
        observed=_observed(said.result.get("observed_value")), raised=raised, aside=aside,
    )  # fmt: skip


def _observed(value: Any) -> Any:
    told = plain(value)
    text = json.dumps(told, ensure_ascii=False)
    return told if len(text) <= _OBSERVED_CHARACTERS else f"{text[: _OBSERVED_CHARACTERS - 3]}..."
