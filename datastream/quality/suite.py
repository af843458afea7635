"""Suites: what must be true of a stream's rows, read from Great Expectations' own JSON without importing it.
A suite that is missing, empty or not understood is refused; there is no suite that passes everything.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

from datastream.quality import own
from datastream.quality.errors import SuiteBroken, SuiteEmpty, SuiteMissing
from datastream.quality.label import label

Severity = Literal["critical", "warning", "info"]

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_VERSION_CHARACTERS = 12
_COLUMN_KEYS = ("column", "column_A", "column_B", "column_list")


@dataclass(frozen=True, slots=True)
class Rule:
    """One expectation of a suite; `number` is its place there, counted from 0."""

    number: int
    type: str
    kwargs: Mapping[str, Any] = field(hash=False)
    severity: Severity = "critical"

    @property
    def label(self) -> str:
        """Say the rule in a few words for people."""
        return label(self.type, self.kwargs)

    @property
    def columns(self) -> frozenset[str]:
        """The columns that it names."""
        values = (self.kwargs.get(key) for key in _COLUMN_KEYS)
        lists = (value if isinstance(value, list | tuple) else [value] for value in values)
        return frozenset(name for names in lists for name in names if name and isinstance(name, str))


@dataclass(frozen=True, slots=True)
class Suite:
    """A named list of rules. Suites of the same name and version demand the same of every row."""

    name: str
    version: str
    rules: tuple[Rule, ...]
    folder: Path | None = field(default=None, compare=False)
    """Where expectations of the user's own are looked for; None: what is imported by then is all there is."""

    @classmethod
    def of(cls, name: str, rules: tuple[Rule, ...], folder: Path | None = None) -> "Suite":
        """Return the suite of these rules; its version depends on them and on the modules that define their types,
        not on ids, notes or layout.
        """
        if not rules:
            raise SuiteEmpty(name, "in memory")
        modules = own.sources(folder, {rule.type for rule in rules}) if folder else []
        canonical = json.dumps(
            [[rule.type, rule.kwargs, rule.severity] for rule in rules],
            sort_keys=True,
            separators=(",", ":"),
            default=str,
        )
        described = b"\0".join([canonical.encode(), *modules])
        return cls(name, hashlib.sha256(described).hexdigest()[:_VERSION_CHARACTERS], rules, folder)

    def where(self, rule: Rule) -> str:
        """Point a reader of an error at the rule."""
        return f"Suite {self.name!r}, expectation {rule.number} ({rule.type}: {rule.label})"


def load_suite(folder: Path, name: str) -> Suite:
    """Return the suite in `folder/name.json`. Anything but a readable, non-empty suite raises."""
    if not NAME.fullmatch(name):
        raise SuiteBroken(f"Suite name {name!r}", "cannot name a file", f"Use a name that matches {NAME.pattern}.")
    return _suite(folder / f"{name}.json", name, folder)


def find_suite(folder: Path, wanted: str) -> Suite:
    """Return the suite that a person names: one of `folder`, or any file by its path, which ends in `.json`.

    Expectations of the user's own are looked for in `folder` in either case. Raises as `load_suite` does.
    """
    path = Path(wanted)
    return _suite(path, path.stem, folder) if path.suffix == ".json" else load_suite(folder, wanted)


def _suite(path: Path, name: str, folder: Path) -> Suite:
    document = _document(path, name)
    entries = document.get("expectations")
    if "expectation_suite_name" in document or (isinstance(entries, list) and any(map(_is_of_0x, entries))):
        way_out = "Call its 'expectation_suite_name' 'name', and each 'expectation_type' 'type', as 1.x does."
        raise SuiteBroken(str(path), "it was saved by Great Expectations 0.x, which is read no more", way_out)
    if entries is not None and not isinstance(entries, list):
        raise SuiteBroken(str(path), "'expectations' is not a list", "Make it a list of {type, kwargs}.")
    if not entries:
        raise SuiteEmpty(name, str(path))
    return Suite.of(name, tuple(_rule(number, entry, path) for number, entry in enumerate(entries)), folder)


def _document(path: Path, name: str) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise SuiteMissing(name, path, (other.stem for other in path.parent.glob("*.json"))) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteBroken(str(path), f"cannot be read: {error}", "Make it a readable UTF-8 file.") from error
    except json.JSONDecodeError as error:
        where = f"{path}, line {error.lineno}, column {error.colno}"
        raise SuiteBroken(where, f"this is not JSON: {error.msg}", "Correct that line.") from error
    except (ValueError, RecursionError) as error:  # a number of five thousand digits, lists in a thousand lists
        raise SuiteBroken(str(path), f"it holds a value that cannot be read: {error}", "Take it out.") from error
    if not isinstance(document, dict):
        raise SuiteBroken(str(path), "the file is not a JSON object", "Write {'name': ..., 'expectations': [...]}.")
    return document


def _is_of_0x(entry: Any) -> bool:
    return isinstance(entry, dict) and "expectation_type" in entry


def _rule(number: int, entry: Any, path: Path) -> Rule:
    where = f"{path}, expectation {number}"
    if not isinstance(entry, dict) or not isinstance(entry.get("type"), str):
        raise SuiteBroken(where, "it has no 'type'", "Write {'type': 'expect_...', 'kwargs': {...}}.")
    kwargs = entry.get("kwargs") or {}
    if not isinstance(kwargs, dict):
        raise SuiteBroken(where, f"its 'kwargs' are a {type(kwargs).__name__}", "Write them as a JSON object.")
    if '"$PARAMETER":' in json.dumps(kwargs):
        raise SuiteBroken(where, "it waits for a suite parameter, and none is ever given", "Write the value itself.")
    severity = entry.get("severity") or "critical"
    if severity not in get_args(Severity):
        raise SuiteBroken(where, f"severity is {severity!r}", f"Use one of: {', '.join(get_args(Severity))}.")
    return Rule(number, entry["type"], kwargs, cast("Severity", severity))
