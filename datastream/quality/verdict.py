"""The answer to "which rows break which rules". Row numbers are positions in the data that was judged,
complete and exactly Great Expectations' own `unexpected_index_list`, never its sample of 20.
"""

from collections.abc import Collection, Iterator
from typing import Any, Literal

import msgspec

from datastream.quality.plain import plain
from datastream.quality.suite import Rule

SetAside = Literal["failed", "all_unexpected"]
"""Whose unexpected rows are set aside: those of rules that failed, or also those that `mostly` tolerates."""


class Outcome(msgspec.Struct, frozen=True):
    """What one rule said of the data. A rule met through `mostly` is met, and still names its unexpected rows."""

    rule: Rule
    answer: bool
    """What Great Expectations says of the rows that the rule could be asked about."""
    row_wise: bool
    unexpected_index_list: list[int] = []
    observed: Any = None
    raised: dict[int, str] = {}
    """The few rows that made it raise an error, each with the error's type; the others were asked about again."""
    aside: SetAside = "failed"

    @property
    def success(self) -> bool:
        """Tell whether the rule is met. A row that it could not be asked about does not meet it."""
        return self.answer and not self.raised

    @property
    def unexpected_count(self) -> int:
        """Count the rows that are not as the rule wants them, whether it failed or not."""
        return len(self.unexpected_index_list)

    @property
    def set_aside(self) -> list[int]:
        """List the rows that the rule sets aside: those that made it raise, and where it failed the unexpected ones."""
        if self.raised:
            return sorted({*self.raised, *self._unexpected_aside})
        return self._unexpected_aside

    @property
    def warned(self) -> list[int]:
        """List the unexpected rows that `mostly` tolerates."""
        return [] if self._unexpected_aside else self.unexpected_index_list

    @property
    def table_failed(self) -> bool:
        """Tell whether the rule failed without naming a row: then it is the whole data that is not good."""
        return not self.answer and not self.unexpected_index_list

    @property
    def _unexpected_aside(self) -> list[int]:
        return [] if self.answer and self.aside == "failed" else self.unexpected_index_list

    def reason(self, row: int) -> str:
        """Return why a row is set aside: the rule, and the type of the error that the row made it raise."""
        return f"{self.rule.label}: {self.raised[row]}" if row in self.raised else self.rule.label

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as JSON-able values; `raised` is there where a row made the rule raise."""
        told = {
            "type": self.rule.type,
            "kwargs": plain(self.rule.kwargs),
            "severity": self.rule.severity,
            "success": self.success,
            "unexpected_index_list": list(self.unexpected_index_list),
        }
        if self.raised:
            told["raised"] = [{"row": row, "error": error} for row, error in sorted(self.raised.items())]
        return told


class Verdict(msgspec.Struct, frozen=True):
    """What a suite said of the data: one outcome a rule, in the order of the suite."""

    rows: int
    expectations: tuple[Outcome, ...]

    @property
    def success(self) -> bool:
        """Tell whether the suite is met, as Great Expectations counts it."""
        return all(outcome.success for outcome in self.expectations)

    @property
    def bad_rows(self) -> list[int]:
        """List every row that a rule sets aside, sorted, each once."""
        return self.bad_rows_for()

    def bad_rows_for(self, severities: Collection[str] | None = None) -> list[int]:
        """List the rows set aside by rules of these severities (all without), sorted, each once."""
        return sorted({row for outcome in self._of(severities) for row in outcome.set_aside})

    def rules_by_row(self, severities: Collection[str] | None = None) -> dict[int, tuple[int, ...]]:
        """Return, for every row set aside, the numbers of all the rules that set it aside."""
        broken: dict[int, tuple[int, ...]] = {}
        for outcome in self._of(severities):
            number = (outcome.rule.number,)
            for row in outcome.set_aside:
                broken[row] = broken.get(row, ()) + number
        return dict(sorted(broken.items()))

    def reasons_by_row(self) -> dict[int, list[str]]:
        """Return, for every row set aside, why: one reason a rule, for people."""
        outcomes = {outcome.rule.number: outcome for outcome in self.expectations}
        return {
            row: [outcomes[number].reason(row) for number in numbers] for row, numbers in self.rules_by_row().items()
        }

    def table_failures(self, severities: Collection[str] | None = None) -> tuple[Outcome, ...]:
        """Return the failed outcomes that no single row can be blamed for."""
        return tuple(outcome for outcome in self._of(severities) if outcome.table_failed)

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON-able values; its keys are a public format."""
        return {
            "success": self.success,
            "rows": self.rows,
            "bad_rows": self.bad_rows,
            "expectations": [outcome.to_dict() for outcome in self.expectations],
        }

    def _of(self, severities: Collection[str] | None) -> Iterator[Outcome]:
        for outcome in self.expectations:
            if severities is None or outcome.rule.severity in severities:
                yield outcome
