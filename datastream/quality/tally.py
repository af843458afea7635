"""Adds up the verdicts of one run, claim after claim, in memory that does not grow with the rows."""

from dataclasses import dataclass

from datastream.quality.suite import Rule, Suite
from datastream.quality.verdict import Outcome, Verdict


@dataclass(slots=True)
class RuleTally:
    """What one rule said of all the claims so far."""

    rule: Rule
    failing: int = 0
    tolerated: int = 0
    failed_claims: int = 0
    failed_tables: int = 0

    @property
    def success(self) -> bool:
        """Tell whether the rule was met in every claim."""
        return self.failed_claims == 0

    def add(self, outcome: Outcome) -> None:
        """Count one claim's outcome in."""
        self.failing += len(outcome.set_aside)
        self.tolerated += len(outcome.warned)
        self.failed_claims += not outcome.success
        self.failed_tables += outcome.table_failed


class Tally:
    """The sums of a run: rows and claims judged, rows set aside, and one line a rule."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        self.rules = tuple(RuleTally(rule) for rule in suite.rules)
        self.claims = 0
        self.rows = 0
        self.bad_rows = 0

    @property
    def success(self) -> bool:
        """Tell whether the suite was met in every claim; a run without claims broke nothing."""
        return all(line.success for line in self.rules)

    def add(self, verdict: Verdict) -> None:
        """Count one claim's verdict in; it must be of this suite."""
        self.claims += 1
        self.rows += verdict.rows
        self.bad_rows += len(verdict.bad_rows)
        for line, outcome in zip(self.rules, verdict.expectations, strict=True):
            line.add(outcome)
