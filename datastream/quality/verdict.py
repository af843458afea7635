"""The answer to "which rows break which rules". Row numbers are positions in the data that was judged,
complete and exactly Great Expectations' own `unexpected_index_list`, never its sample of 20.
"""

from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from datastream.quality.suite import Rule


class Outcome(msgspec.Struct, frozen=True):
    """What one rule said of the data. A rule met through `mostly` is met, and still names its unexpected rows."""

    rule: Rule
    success: bool
    row_wise: bool
    unexpected_index_list: list[int] = []
    observed: Any = None

    @property
    def unexpected_count(self) -> int:
        """Count the rows that are not as the rule wants them, whether it failed or not."""
        return len(self.unexpected_index_list)

    @property
    def set_aside(self) -> list[int]:
        """List the rows that the failed rule sets aside; a rule that is met sets none aside."""
        return [] if self.success else self.unexpected_index_list

    @property
    def warned(self) -> list[int]:
        """List the unexpected rows of a rule that is met all the same, through `mostly`."""
        return self.unexpected_index_list if self.success else []

    @property
    def table_failed(self) -> bool:
        """Tell whether the rule failed without naming a row: then it is the whole data that is not good."""
        return not self.success and not self.unexpected_index_list


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
        """List every row that a failed rule sets aside, sorted, each once."""
        return self.bad_rows_for()

    def bad_rows_for(self, severities: Collection[str] | None = None) -> list[int]:
        """List the rows set aside by failed rules of these severities (all without), sorted, each once."""
        return sorted({row for outcome in self._failed(severities) for row in outcome.set_aside})

    def rules_by_row(self, severities: Collection[str] | None = None) -> dict[int, tuple[int, ...]]:
        """Return, for every row set aside, the numbers of all the failed rules it broke."""
        broken: dict[int, tuple[int, ...]] = {}
        for outcome in self._failed(severities):
            number = (outcome.rule.number,)
            for row in outcome.set_aside:
                broken[row] = broken.get(row, ()) + number
        return dict(sorted(broken.items()))

    def table_failures(self, severities: Collection[str] | None = None) -> tuple[Outcome, ...]:
        """Return the failed outcomes that no single row can be blamed for."""
        return tuple(outcome for outcome in self._failed(severities) if outcome.table_failed)

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON-able values; its keys are a public format."""
        return {
            "success": self.success,
            "rows": self.rows,
            "bad_rows": self.bad_rows,
            "expectations": [
                {
                    "type": outcome.rule.type,
                    "kwargs": dict(outcome.rule.kwargs),
                    "severity": outcome.rule.severity,
                    "success": outcome.success,
                    "unexpected_index_list": list(outcome.unexpected_index_list),
                }
                for outcome in self.expectations
            ],
        }

    def _failed(self, severities: Collection[str] | None) -> Iterator[Outcome]:
        for outcome in self.expectations:
            if not outcome.success and (severities is None or outcome.rule.severity in severities):
                yield outcome
