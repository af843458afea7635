"""What the quality page tells of a stream besides figures and incidents, folded from commits as they are first read.

It stands with what else is known of the stream and is bounded like it, so that making the page reads no log.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from datastream.fates import HELD
from datastream.lake import layout
from datastream.lake.manifest import Header
from datastream.lake.returned import REJECTED, RELEASED
from datastream.quality.check import Check, Result
from datastream.quality.report import clean

DAYS = 30
_DAY_SECONDS = 86_400
_MOST_SAID, _MOST_RULES, _MOST_HELD, _MOST_COMMITS, _MOST_ASIDE = 80, 60, 40, 10, 5
_CHARACTERS, _RULES_NAMED = 300, 5


class Said(msgspec.Struct, array_like=True, frozen=True):
    """The sentence of one check at the last look, without a value of a row."""

    check: str
    result: Result
    told: str
    incident: str = ""


class Rule(msgspec.Struct, array_like=True):
    """A rule that was broken lately."""

    severity: str
    """That of the suite; empty for a row that was set aside before the check."""
    rows: dict[int, int] = {}
    """How many broke it, by the number of the day since 1970."""
    claims: dict[int, int] = {}
    """In how many claims that was."""


class Claim(msgspec.Struct, array_like=True, frozen=True):
    """A claim that lies in quarantine as a whole, and what was decided of it."""

    commit: str
    at: datetime
    rows: int
    rules: list[str]
    state: Literal["held", "released", "rejected"] = "held"
    decided_at: datetime | None = None


class Made(msgspec.Struct, array_like=True, frozen=True):
    """A commit and its accounts."""

    commit: str
    at: datetime
    run: str
    read: int
    loaded: int
    quarantined: int
    duplicates: int


class Replay(msgspec.Struct, array_like=True, frozen=True):
    """A commit of rows that left the quarantine."""

    commit: str
    at: datetime
    run: str
    rows: int
    asked: str
    """Which rows were taken and what was mended, as it was asked for: it may speak of values of rows."""


class Shown(msgspec.Struct, kw_only=True):
    """All of it, oldest first."""

    said: list[Said] = []
    rules: dict[str, Rule] = {}
    held: list[Claim] = []
    commits: list[Made] = []
    replays: list[Replay] = []
    aside: list[str] = []
    """The newest commits that set rows aside."""

    def say(self, checks: Sequence[Check]) -> None:
        """Keep what the checks of one look said; of very many, those that are not met."""
        found = sorted(checks, key=lambda check: check.result != "not met") if len(checks) > _MOST_SAID else checks
        self.said = [Said(c.name, c.result, _clipped(_told(c)), c.incident) for c in found[:_MOST_SAID]]

    def add(self, headers: Iterable[Header]) -> None:
        """Keep what commits of the lanes say that are drained by schedule."""
        for header in headers:
            name, accounts = layout.commit_name(header.lane, header.seq), header.accounts
            day = int(header.decided_at.timestamp() // _DAY_SECONDS)
            for label, severity, rows in _broken(header):
                rule = self.rules.setdefault(_clipped(label), Rule(severity))
                rule.rows[day] = rule.rows.get(day, 0) + rows
                rule.claims[day] = rule.claims.get(day, 0) + 1
            if header.held:
                rules = [_clipped(rule) for rule in header.held[:_RULES_NAMED]]
                self.held.append(Claim(name, header.decided_at, accounts.quarantined, rules))
            if accounts.quarantined:
                self.aside = [*self.aside, name][-_MOST_ASIDE:]
            if accounts.read:
                self.commits.append(
                    Made(name, header.decided_at, header.run, accounts.read, accounts.loaded, accounts.quarantined,
                         accounts.duplicates)
                )  # fmt: skip
                self.commits = self.commits[-_MOST_COMMITS:]

    def let_go(self, header: Header) -> None:
        """Keep what a commit of the lane `replay` says. What was decided of a claim first stands."""
        for word in (RELEASED, REJECTED):
            name = header.offsets.get(word)
            self.held = [_decided(claim, word, header) if claim.commit == name else claim for claim in self.held]
        if header.accounts.replayed:
            name, rows = layout.commit_name(header.lane, header.seq), header.accounts.replayed
            made = Replay(name, header.decided_at, header.run, rows, _asked(header.offsets))
            self.replays = [*self.replays, made][-_MOST_COMMITS:]

    def trim(self, now: datetime) -> None:
        """Let go what is too old, or too much. Of held claims those stay longest of which nothing is decided."""
        oldest = int(now.timestamp() // _DAY_SECONDS) - DAYS
        for rule in self.rules.values():
            rule.rows = {day: rows for day, rows in rule.rows.items() if day > oldest}
            rule.claims = {day: claims for day, claims in rule.claims.items() if day > oldest}
        there = [(label, rule) for label, rule in self.rules.items() if rule.claims]
        there.sort(key=lambda each: (sum(each[1].rows.values()), sum(each[1].claims.values())), reverse=True)
        self.rules = dict(there[:_MOST_RULES])
        kept = sorted(self.held, key=lambda claim: (claim.state == "held", claim.at))[-_MOST_HELD:]
        self.held = sorted(kept, key=lambda claim: claim.at)


def _broken(header: Header) -> Iterator[tuple[str, str, int]]:
    """Yield each rule that was not met, and how many rows broke it, of a whole none."""
    asked = {rule.rule for rule in header.rules}
    yield from ((rule.rule, rule.severity, rule.rows) for rule in header.rules if not rule.success)
    for label, rows in header.set_aside.items():
        if label not in asked and rows > 0 and not label.startswith(HELD):
            yield label, "", rows


def _decided(claim: Claim, word: str, header: Header) -> Claim:
    if claim.state != "held":
        return claim
    return msgspec.structs.replace(claim, state=word, decided_at=header.decided_at)


def _asked(offsets: Mapping[str, Any]) -> str:
    released, where, mended = offsets.get(RELEASED), offsets.get("where"), offsets.get("set", {})
    parts = [f"release of {released}"] if released else []
    parts += [f"where {where}"] if where else []
    parts += [f"set {field}={expression}" for field, expression in mended.items()]
    return _clipped("; ".join(parts))


def _told(check: Check) -> str:
    return check.observed + (f" (expected: {check.expected})" if check.expected else "")


def _clipped(text: str) -> str:
    text = clean(text)
    return text if len(text) <= _CHARACTERS else f"{text[: _CHARACTERS - 3]}..."
