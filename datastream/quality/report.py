"""Shows a run's tally as GitHub markdown. Values come from strangers: each is escaped and clipped,
so that none can break out of its cell, draw a link or speak to a terminal.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from datastream.quality.tally import RuleTally, Tally

_SAMPLE_ROWS = 10
_CELL_CHARACTERS = 60
_ANSI = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|.)", re.DOTALL)
_MARKUP = re.compile(r"([\\`*\[\]|~$@]|(?<!\w)_|_(?!\w)|:(?=//)|(?<=www)\.)")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def markdown(
    tally: Tally, samples: Sequence[Mapping[str, Any]] = (), command: str = "", *, piece: str = "claim", note: str = ""
) -> str:
    """Return heading, one line a rule and up to ten sample rows; `command` is how to see the others.

    `piece` is what the suite was asked about at a time, and `note` what else there is to know of the rows.
    """
    parts = [_heading(tally, piece), *([_escaped(note)] if note else []), *([_rules(tally)] if tally.claims else [])]
    if samples:
        parts.append(_samples(samples[:_SAMPLE_ROWS]))
    if command:
        parts.append(f"All of them: {_code(command)}")
    return "\n\n".join(parts) + "\n"


def _heading(tally: Tally, piece: str) -> str:
    if not tally.claims:
        return (
            f"## Suite {_cell(tally.suite.name)}: nothing to check\n\nWhat came, if anything, was on the lake "
            "already or was set aside before the check."
        )
    failed = {line.rule.severity for line in tally.rules if not line.success}
    met = "not met" if "critical" in failed else "met, with warnings" if failed else "met"
    pieces = piece if tally.claims == 1 else f"{piece}s"
    return (
        f"## Suite {_cell(tally.suite.name)}: {met}\n\n"
        f"{tally.rows:,} rows checked in {tally.claims:,} {pieces}, {tally.bad_rows:,} break a rule "
        f"({_share(tally.bad_rows, tally.rows)}). Suite version {_cell(tally.suite.version)}."
    )


def _rules(tally: Tally) -> str:
    body = [
        [
            _cell(line.rule.label),
            line.rule.severity,
            _result(line, tally.claims),
            *_counts(line, tally.rows),
        ]
        for line in tally.rules
    ]
    return _table(["Rule", "Severity", "Result", "Failing rows", "Share"], body, ["---", "---", "---"])


def _result(line: RuleTally, claims: int) -> str:
    if line.failed_tables:
        return f"failed as a whole in {line.failed_tables:,} of {claims:,}"
    if not line.success:
        return "failed"
    return f"met, {line.tolerated:,} tolerated" if line.tolerated else "met"


def _counts(line: RuleTally, rows: int) -> list[str]:
    return [f"{line.failing:,}", _share(line.failing, rows)]


def _share(part: int, whole: int) -> str:
    if not part or not whole:
        return "0%"
    percent = 100 * part / whole
    return f"{percent:.2f}%" if percent >= 0.01 else "<0.01%"  # noqa: PLR2004 - the least that two digits can show


def _samples(rows: Sequence[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    body = [[_cell(row.get(name)) for name in names] for row in rows]
    return "### Some of the rows\n\n" + _table([_cell(name) for name in names], body, ["---"] * len(names))


def _table(head: list[str], body: list[list[str]], rule: list[str]) -> str:
    rule = rule + ["--:"] * (len(head) - len(rule))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, rule, *body])


def _cell(value: Any) -> str:
    text = clean("" if value is None else str(value))
    return _escaped(text if len(text) <= _CELL_CHARACTERS else f"{text[: _CELL_CHARACTERS - 3]}...")


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", "".join(_HTML.get(character, character) for character in text))


def _code(text: str) -> str:
    return f"`{clean(text).replace('`', chr(39))}`"


def clean(text: str) -> str:
    """Take terminal codes out, and make one line of what is left without any character that does not show."""
    text = " ".join(_ANSI.sub("", text).split())
    if text.isascii() and text.isprintable():
        return text
    return "".join(character for character in text if not unicodedata.category(character).startswith("C"))
