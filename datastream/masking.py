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
_ESCAPE = "\\u"
"""By which JSON may spell a name otherwise."""


class Mask(msgspec.Struct, frozen=True):
    """The columns, and fields as they were received, whose values are not shown.

    `names` are in small letters, and of a path (`user.email`) its last name counts too: what is masked without need can
    be read on the lake, and what is shown cannot be taken back.
    """

    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, names: Iterable[str]) -> "Mask":
        """Return the mask of these names."""
        known = [name.casefold() for name in names]
        return cls(frozenset([*known, *(name.rpartition(".")[2] for name in known)]) - {""})

    def __bool__(self) -> bool:
        return bool(self.names)

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row, of data or of the quarantine, as it may be shown."""
        if not self:
            return dict(row)
        shown = {name: self.value(name, value) for name, value in row.items()}
        for name in (RAW, EXTRA):
            if shown.get(name) is not None:
                shown[name] = self.text(row[name])
        if isinstance(shown.get(OBSERVED), list) and isinstance(shown.get(RULES), list):
            pairs = zip(shown[RULES], shown[OBSERVED], strict=True)
            shown[OBSERVED] = [MASKED if seen is not None and self.concerns(rule) else seen for rule, seen in pairs]
        return shown

    def value(self, name: str, value: Any) -> Any:
        """Return the value of a column as it may be shown; that there is none may be."""
        return self.within(value) if name not in self else MASKED if value is not None else None

    def __contains__(self, name: object) -> bool:
        """Tell whether the values of a column or field are not shown."""
        return isinstance(name, str) and name.casefold() in self.names

    def text(self, text: str) -> str:
        """Return a record as it was received, as it may be shown: all of it is masked where it is no object."""
        if not self:
            return text
        try:
            record = json.loads(text)
            return self._told(record, text) if isinstance(record, dict) else MASKED
        except (ValueError, RecursionError):
            return MASKED

    def within(self, value: Any) -> Any:
        """Return a value with the fields of these names in it masked, however deep, also where it is JSON as a text."""
        if isinstance(value, Mapping):
            return {name: self.value(name, each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.within(each) for each in value]
        if not self or not isinstance(value, str) or not value.lstrip().startswith(("{", "[", '"')):
            return value
        try:
            return self._told(json.loads(value), value)
        except (ValueError, RecursionError):  # no JSON, or the beginning of some
            return MASKED if any(name in value.casefold() for name in (*self.names, _ESCAPE)) else value

    def _told(self, found: Any, text: str) -> str:
        shown = self.within(found)
        return text if shown == found else json.dumps(shown, ensure_ascii=False)

    def concerns(self, rule: str) -> bool:
        """Tell whether a rule, by its label, may speak of a masked column; one that was cut off may."""
        cut, said = _CUT in rule, rule.casefold()
        return bool(self.names) and (cut or any(re.search(rf"(?<!\w){re.escape(n)}(?!\w)", said) for n in self.names))
