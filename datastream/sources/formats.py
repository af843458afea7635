"""Finds the records in an answer, each as the JSON text it came as: in JSON, in JSON lines, in CSV.

A cell of CSV is text, and an empty one is null; a number, or true and false, where the stream's schema declares one. A
line that is no record is set aside like any other, but for the last: with that one the answer was cut off.
"""

import csv
import io
import re
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from datastream.sources.answer import Answer, AnswerBroken, AnswerUnexpected

_anything = msgspec.json.Decoder()
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)


def records_of(answer: Answer, path: str, format_: str, bare: AbstractSet[str] = frozenset()) -> list[msgspec.Raw]:
    """Return the records in an answer; `bare` names the columns of CSV that are no text.

    Raises AnswerBroken and AnswerUnexpected.
    """
    match format_:
        case "jsonl":
            return _lines(answer)
        case "object":
            return [answer.record(path)]
        case "csv":
            return _cells(answer, bare)
        case _:
            return answer.records(path)


def _lines(answer: Answer) -> list[msgspec.Raw]:
    lines = [line for line in answer.body.split(b"\n") if line.strip()]
    if lines:
        try:
            _anything.decode(lines[-1])
        except (msgspec.DecodeError, RecursionError) as error:
            raise _cut_off(answer, lines[-1]) from error
    return [msgspec.Raw(line.strip()) for line in lines]


def _cells(answer: Answer, bare: AbstractSet[str]) -> list[msgspec.Raw]:
    try:
        text = answer.body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AnswerBroken(f"{answer.url} answered with CSV that is not UTF-8: {error}.") from error
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=False) if row]
    except csv.Error as error:
        raise AnswerUnexpected(
            f"{answer.url} answered with CSV that cannot be read: {error}. Ask for another format, and say it in "
            "source.format."
        ) from error
    if not rows:
        return []
    names, *rows = rows
    if rows and len(rows[-1]) < len(names):
        raise _cut_off(answer, ",".join(rows[-1]).encode())
    return [msgspec.Raw(msgspec.json.encode(_record(names, row, bare))) for row in rows]


def _record(names: list[str], row: list[str], bare: AbstractSet[str]) -> dict[str, Any] | list[str]:
    """Return a row by its names. One that has more or fewer cells stays a list, which is no record."""
    if len(row) != len(names) or len(set(names)) < len(names):
        return row
    return {name: _bare(cell) if name in bare else cell or None for name, cell in zip(names, row, strict=True)}


def _bare(cell: str) -> msgspec.Raw | str | None:
    word = cell.strip()
    if _NUMBER.fullmatch(word) or word.lower() in ("true", "false"):
        return msgspec.Raw(word.lower().encode())
    return cell or None


def _cut_off(answer: Answer, last: bytes) -> AnswerBroken:
    return AnswerBroken(
        f"{answer.url} broke off: its last line is {answer.sent.excerpt(last, 80)!r}. If it stays so, ask the API's "
        "owner; the cursor has not moved."
    )
