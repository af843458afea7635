"""Masks what a stream marks as personal (`pii`) wherever rows are shown: samples, logs, artifacts, events, terminals.

The lake holds the values: what is masked is only what is shown of it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from datastream.records import EXTRA, OBSERVED, RAW, RULES

MASKED = "***"
_CUT = "..."


class Mask(msgspec.Struct, frozen=True):
    """The columns, and fields as they were received, whose values are not shown."""

    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, names: Iterable[str]) -> "Mask":
        """Return the mask of these names."""
        return cls(frozenset(names))

    def __bool__(self) -> bool:
        return bool(self.names)

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row, of data or of the quarantine, as it may be shown."""
        if not self:
            return dict(row)
        shown = {name: self.value(name, value) for name, value in row.items()}
        for name in (RAW, EXTRA):
            if shown.get(name) is not None:
                shown[name] = self.text(shown[name])
        if isinstance(shown.get(OBSERVED), list) and isinstance(shown.get(RULES), list):
            pairs = zip(shown[RULES], shown[OBSERVED], strict=True)
            shown[OBSERVED] = [MASKED if seen is not None and self.concerns(rule) else seen for rule, seen in pairs]
        return shown

    def value(self, name: str, value: Any) -> Any:
        """Return the value of a column as it may be shown; that there is none may be."""
        return MASKED if name in self.names and value is not None else value

    def text(self, text: str) -> str:
        """Return a record as it was received, as it may be shown: all of it is masked where it is no object."""
        if not self:
            return text
        try:
            record = json.loads(text)
        except (ValueError, RecursionError):
            return MASKED
        if not isinstance(record, dict):
            return MASKED
        if not self.names & record.keys():
            return text
        return json.dumps({name: self.value(name, value) for name, value in record.items()}, ensure_ascii=False)

    def concerns(self, rule: str) -> bool:
        """Tell whether a rule, by its label, may speak of a masked column; one that was cut off may."""
        cut = _CUT in rule
        return bool(self.names) and (cut or any(re.search(rf"(?<!\w){re.escape(n)}(?!\w)", rule) for n in self.names))
