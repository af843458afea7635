"""Finds the few rows that make an expectation raise, so that one odd record does not hold up all others of its claim.
The expectation is asked again without them; where they are not few, it is the expectation that is wrong.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from datastream.blame import to_blame
from datastream.quality.errors import SuiteErrored
from datastream.quality.gx import Answer, Judge, ask_alone
from datastream.quality.suite import Suite

if TYPE_CHECKING:
    import pandas as pd


def ask_again(
    suite: Suite, member: Judge, frame: "pd.DataFrame", there: Iterable[object]
) -> tuple[Answer, dict[int, str]]:
    """Return what a rule says that could not answer beside the others, and the rows that had to be left out for it,
    each with the type of the error. Rows are those of the frame. Raises SuiteErrored, which tells what columns
    are there.
    """
    try:
        return ask_alone(member, frame), {}
    except Exception as error:
        found = _culprits(member, frame)
        answer = _answer_without(found, member, frame)
        if answer is None:
            raise SuiteErrored(suite.where(member.rule), f"{type(error).__name__}: {error}", there) from error
        return answer, found


def _culprits(member: Judge, frame: "pd.DataFrame") -> dict[int, str]:
    """Return the rows that make the rule raise alone, and also beside those that do not."""

    def wrong(rows: Sequence[int]) -> str | None:
        try:
            ask_alone(member, _only(frame, rows))
        except Exception as error:  # noqa: BLE001 - an expectation may be anybody's code
            return type(error).__name__
        return None

    found = to_blame(len(frame), lambda start, count: wrong(range(start, start + count))) or {}
    good = [row for row in range(len(frame)) if row not in found]
    # A mean of one row may raise for want of rows: such a row is well where there are others.
    return {row: error for row, error in sorted(found.items()) if wrong(sorted([*good, row]))}


def _answer_without(culprits: dict[int, str], member: Judge, frame: "pd.DataFrame") -> Answer | None:
    """Return the answer about all other rows; None if there is none, or if it is about no value at all."""
    if not culprits:
        return None
    kept = [row for row in range(len(frame)) if row not in culprits]
    try:
        answer = ask_alone(member, _only(frame, kept))
    except Exception:  # noqa: BLE001 - then these rows are not what is wrong
        return None
    if answer.result.get("element_count", 1) <= answer.result.get("missing_count", 0):
        return None
    unexpected = answer.result.get("unexpected_index_list")
    if unexpected is None:
        return answer
    return Answer(answer.success, {**answer.result, "unexpected_index_list": [kept[row] for row in unexpected]})


def _only(frame: "pd.DataFrame", rows: Sequence[int]) -> "pd.DataFrame":
    return frame.iloc[list(rows)].reset_index(drop=True)
