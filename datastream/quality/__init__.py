"""Suites of Great Expectations in, row-exact verdicts out. Importing this room is cheap: Great Expectations
and pandas are imported by the first `validate`, or by `warm` at a moment of your choice.
"""

from datastream.quality.checkpoint import validate
from datastream.quality.data import read_data
from datastream.quality.errors import DataRefused, SuiteBroken, SuiteEmpty, SuiteErrored, SuiteMissing
from datastream.quality.gx import warm
from datastream.quality.report import markdown
from datastream.quality.suite import Rule, Severity, Suite, find_suite, load_suite
from datastream.quality.tally import RuleTally, Tally
from datastream.quality.verdict import Outcome, SetAside, Verdict

__all__ = [
    "DataRefused",
    "Outcome",
    "Rule",
    "RuleTally",
    "SetAside",
    "Severity",
    "Suite",
    "SuiteBroken",
    "SuiteEmpty",
    "SuiteErrored",
    "SuiteMissing",
    "Tally",
    "Verdict",
    "find_suite",
    "load_suite",
    "markdown",
    "read_data",
    "validate",
    "warm",
]
