"""What a verdict means for each row of a claim, by its stream's actions: loaded, set aside, or held with the others.

A row that is set aside is told with every rule that it broke, also those that would only warn.
"""

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from datastream.catalog import Stream
from datastream.errors import Permanent
from datastream.masking import MASKED
from datastream.quality import Outcome, Rule, Suite, SuiteErrored, Verdict, validate

if TYPE_CHECKING:
    import pandas as pd

HELD = "held: "
"""What the rules begin with for which a whole claim is held."""
_MOST_CHARACTERS = 200


class SuiteFailed(Permanent):
    """An expectation about the whole claim failed, which no row can be set aside for."""


class Reason(NamedTuple):
    """A rule, and what was seen that breaks it, as JSON; None where the rule says it itself."""

    rule: str
    observed: str | None = None


class Fates(NamedTuple):
    """What becomes of the rows of a batch."""

    bad: np.ndarray
    """Which rows are set aside."""
    held: list[Outcome]
    """The failed rules for which all of them are."""


def verdict_of(table: "pa.Table | pd.DataFrame", suite: Suite, stream: Stream) -> Verdict:
    """Return what a suite says of a stream's rows. Raises SuiteErrored, which shows no value of a row where the stream
    has personal data.
    """
    try:
        return validate(table, suite, stream.set_aside)
    except SuiteErrored as error:
        raise (error.masked() if stream.mask else error) from error.__cause__


def severities(stream: Stream, verdict: Verdict, action: str) -> set[str]:
    """Return the severities among the rules of a verdict for which the stream takes an action."""
    return {o.rule.severity for o in verdict.expectations if stream.action(o.rule.severity) == action}


def fates_of(stream: Stream, verdict: Verdict, rows: int) -> Fates:
    """Return what becomes of the rows, as the stream's `on_failure` says. Raises SuiteFailed."""
    held = [o for o in verdict.expectations if not o.success and stream.action(o.rule.severity) == "hold"]
    if held:
        return Fates(np.ones(rows, dtype=bool), held)
    strict = severities(stream, verdict, "quarantine")
    _stop_for_the_whole(stream, verdict, strict)
    bad = np.zeros(rows, dtype=bool)
    bad[verdict.bad_rows_for(strict)] = True
    return Fates(bad, [])


def reasons_of(verdict: Verdict, fates: Fates, table: pa.Table, extra: Mapping[int, str]) -> dict[int, list[Reason]]:
    """Return for every row that is set aside why, in the order of the suite; then why it lands nowhere, or is held."""
    reasons: dict[int, list[Reason]] = {int(row): [] for row in np.flatnonzero(fates.bad)}
    for outcome in verdict.expectations:
        rows = [row for row in outcome.set_aside if fates.bad[row]]
        for row, seen in zip(rows, _observed(table, outcome.rule, rows), strict=True):
            reasons[row].append(Reason(outcome.reason(row), seen))
    for row, why in extra.items():
        reasons[row].append(Reason(why))
    for outcome in fates.held:
        whole = Reason(f"{HELD}{outcome.rule.label}", _text(outcome.observed) if outcome.table_failed else None)
        for each in reasons.values():
            each.append(whole)
    return reasons


def _observed(table: pa.Table, rule: Rule, rows: list[int]) -> Iterable[str | None]:
    """Yield what stands in the columns of a rule: one value, or an object of several."""
    names = [name for name in table.column_names if name in rule.columns]
    if not names or not rows:
        return [None] * len(rows)
    found = table.select(names).take(pa.array(rows, pa.int64())).to_pylist()
    return (_text(row[names[0]] if len(names) == 1 else row) for row in found)


def _text(value: object) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 3]}..."


def _stop_for_the_whole(stream: Stream, verdict: Verdict, strict: set[str]) -> None:
    failures = verdict.table_failures(strict)
    if failures:
        said = "; ".join(f"{o.rule.label} (observed: {_shown(stream, o)})" for o in failures)
        raise SuiteFailed(
            f"The claim of {stream.name} as a whole fails its suite {stream.suite!r}: {said}. No single row is to "
            "blame, so nothing was committed and the cursor has not moved. Correct the source or the expectation, give "
            "it the severity 'warning', or let such claims be held: on_failure: {critical: hold}."
        )


def _shown(stream: Stream, outcome: Outcome) -> object:
    """Return what was seen of a claim; a rule of one's own that names no column may look at any."""
    rule, mask = outcome.rule, stream.mask
    anywhere = bool(mask) and not rule.columns and not rule.type.startswith("expect_table_")
    return MASKED if anywhere or any(name in mask for name in rule.columns) else mask.within(outcome.observed)
