"""The records that are looked at, decoded, and the types that stream and source give their fields."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from datastream.catalog import Stream
from datastream.catalog.types import JSON, SMALL
from datastream.claim import Claim
from datastream.identity import rules_of
from datastream.quality import Suite
from datastream.sources.decode import Odd
from datastream.sources.exactly import objects
from datastream.sources.fit import fit_for
from datastream.sources.learn import Rules, before, learn

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """A claim, field by field."""

    stream: Stream
    suite: Suite
    claim: Claim
    rules: Rules
    rows: Mapping[int, Row]
    """The records that are objects, by their places in the claim."""
    odd: Mapping[int, str]
    """Where the others stand, and why they are none."""
    known: Mapping[str, str]
    """What is committed already."""
    expected: Mapping[str, str]
    """Field to type: what is committed, and what the file declares."""
    learned: Mapping[str, str]
    """What the records alone would teach."""
    become: Mapping[str, str]
    """What is expected, as these records would widen it."""
    there: Mapping[str, int]
    """In how many records a field is, be it null."""

    @classmethod
    def of(cls, stream: Stream, suite: Suite, known: Mapping[str, str], claim: Claim) -> Self:
        """Decode a claim. Raises DeclaredOtherwise."""
        rules = rules_of(stream)
        answers = {at: rule for at, rule in claim.refused.items() if rule.startswith("api: ") or rule == "parent"}
        places = [at for at in range(len(claim)) if at not in answers]
        found, misfits = objects([claim.records[at] for at in places], rules.reserved)
        rows = {places[at]: row for at, row in found.items()}
        return cls(
            stream, suite, claim, rules, rows, {places[at]: odd.general for at, odd in misfits.items()} | answers,
            known, before(known, rules), learn(rows.values(), {}, Rules(reserved=rules.reserved)),
            learn(rows.values(), known, rules), Counter(name for row in rows.values() for name in row),
        )  # fmt: skip

    def missing(self, name: str) -> frozenset[int]:
        """Return where a field has no value."""
        return frozenset(at for at, row in self.rows.items() if row.get(name) is None)

    def misfits(self, name: str) -> dict[int, str]:
        """Return where a value does not fit its column, and what it is instead."""
        kind = self.become[name]
        if kind in ("null", JSON):
            return {}
        fit, found = fit_for(kind), dict[int, str]()
        for at, row in self.rows.items():
            try:
                if row.get(name) is not None:
                    fit(row[name])
            except Odd as reason:
                found[at] = str(reason)
        return found

    def of_source(self, name: str) -> str:
        """Return the type that the source gives a field, in words."""
        return in_words(self.learned.get(name, "missing"))


def in_words(kind: str) -> str:
    """Return a type for people."""
    return {SMALL: "int64", "null": "no value"}.get(kind, kind)
