"""The draft: proposals that the data itself bears out, as a suite and as Great Expectations' own JSON."""

import dataclasses
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from datastream.quality import DataRefused, Rule, Suite, SuiteBroken, SuiteErrored, validate
from datastream.quality.label import label
from datastream.suggest.columns import columns_of
from datastream.suggest.personal import looks_personal
from datastream.suggest.proposal import Proposal
from datastream.suggest.rules import proposals

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_TOGETHER = 100
"""So many rules are asked about at a time: what Great Expectations takes grows with the square of their number."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A suite that is met by the data it was drafted from; `evidence` has a sentence for each of its rules."""

    suite: Suite
    evidence: tuple[str, ...]
    rows: int
    dropped: tuple[str, ...]
    """Rules that seemed to hold, and that Great Expectations found not met or could not answer."""
    hidden: tuple[str, ...]
    """Columns of which no value is shown."""

    @property
    def document(self) -> dict[str, Any]:
        """The suite as a file of Great Expectations holds it, with the evidence as notes."""
        expectations = [
            {"type": rule.type, "kwargs": dict(rule.kwargs), "severity": rule.severity, "meta": {}, "notes": said}
            for rule, said in zip(self.suite.rules, self.evidence, strict=True)
        ]
        notes = f"Drafted from {self.rows:,} rows. Review it: what was so in these need not be what must be so."
        meta = {"rows": self.rows, "hidden": list(self.hidden), "dropped": list(self.dropped)}
        return {"name": self.suite.name, "notes": notes, "expectations": expectations, "meta": meta}


def suggest(
    data: "pa.Table | pd.DataFrame", name: str, *, key: Sequence[str] = (), hidden: Container[str] = ()
) -> Draft:
    """Return a suite that the data meets, and of which the next rows of the same source are likely to.

    `key` are the fields that identify a row. No value is shown of `hidden` columns, nor of those that look like
    personal data. That the rules are right is not promised: they say what was so. Raises DataRefused for data without
    columns.
    """
    columns = {column.name: column for column in columns_of(data, hidden)}
    if not columns:
        raise DataRefused("The data has no columns, so there is nothing to draft a suite from. Give it some records.")
    columns = {each: dataclasses.replace(c, hidden=c.hidden or looks_personal(c)) for each, c in columns.items()}
    found = list(proposals(columns, key))
    some = [found[at : at + _TOGETHER] for at in range(0, len(found), _TOGETHER)]
    answers = [answer for each in some for answer in _asked(data, name, each)]
    kept = [proposal for proposal, met in answers if met]
    dropped = [label(proposal.type, proposal.kwargs) for proposal, met in answers if not met]
    secret = tuple(each for each, column in columns.items() if column.hidden)
    return Draft(_suite(name, kept), tuple(each.evidence for each in kept), len(data), tuple(dropped), secret)


def _asked(data: Any, name: str, found: Sequence[Proposal]) -> Iterator[tuple[Proposal, bool]]:
    """Yield whether the data meets each proposal. They are asked together, and one by one where one cannot answer."""
    try:
        outcomes = validate(data, _suite(name, found)).expectations
    except (SuiteBroken, SuiteErrored):
        alone = [_asked(data, name, [proposal]) for proposal in found] if len(found) > 1 else []
        yield from chain.from_iterable(alone or [[(found[0], False)]])
        return
    yield from zip(found, (outcome.success for outcome in outcomes), strict=True)


def _suite(name: str, found: Sequence[Proposal]) -> Suite:
    rules = (Rule(number, each.type, each.kwargs, each.severity) for number, each in enumerate(found))
    return Suite.of(name, tuple(rules))
