"""Learns columns and their types from values, within what the stream file and the log say already.

What is known stays as it is, but for a column of whole numbers that a double keeps exactly (`int53`): it becomes a
double with the first fraction, and an int64 with the first greater number; then it cannot become a double any more.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from datastream.catalog import SchemaSpec
from datastream.catalog.schema_spec import MAX_COLUMNS, is_column_name
from datastream.catalog.types import JSON, SMALL
from datastream.errors import Permanent
from datastream.masking import Mask
from datastream.records import EXTRA, OWN_COLUMNS
from datastream.sources.fit import EXACT, is_whole

SourceSchema = Mapping[str, str]
"""Column name to type: null (no value seen yet), bool, int53, int64, double, string, json, or what was declared."""


class DeclaredOtherwise(Permanent):
    """What is declared contradicts what is committed, where no table could tell."""


class Rules(NamedTuple):
    """What a stream says of its columns."""

    spec: SchemaSpec = SchemaSpec()
    reserved: frozenset[str] = OWN_COLUMNS
    """Names that no field may have."""
    identity: frozenset[str] = frozenset()
    """Fields that record ids and the cursor are made of: another type would make other ids of the same records."""
    mask: Mask = Mask()
    """What hides personal data where a value is shown."""


def before(known: SourceSchema, rules: Rules) -> dict[str, str]:
    """Return the columns there are before any value is looked at. Raises DeclaredOtherwise."""
    for name in sorted(rules.identity & rules.spec.declared.keys() & known.keys()):
        was, now = known[name], rules.spec.declared[name]
        if was not in ("null", now) and (was, now) != (SMALL, "int64"):
            raise DeclaredOtherwise(
                f"{name!r} was {was} in what is committed, and is declared as {now}. Record ids or the cursor are made "
                f"of it, so everything would be loaded again. Declare it as {was}, or give the stream another name."
            )
    there = {name.lower(): name for name in known}
    for name in rules.spec.declared:
        if there.get(name.lower(), name) != name and name not in known:
            raise DeclaredOtherwise(
                f"{name!r} is declared, and the column {there[name.lower()]!r} is there already, which SQL does not "
                "tell from it. Declare that one."
            )
    return {**known, **rules.spec.declared}


def grows(known: SourceSchema, rules: Rules) -> bool:
    """Tell whether a field that is not known may become a column; where nothing is known or declared, all may."""
    return rules.spec.columns == "evolve" or not (known or rules.spec.declared)


def learn(rows: Iterable[Mapping[str, Any]], known: SourceSchema, rules: Rules) -> dict[str, str]:
    """Return the columns, so far and learned. Where a column's kinds mix, the most common wins, text on a tie."""
    schema, seen = before(known, rules), _Seen()
    growing = grows(known, rules)
    for row in rows:
        for name, value in row.items():
            kind = schema.get(name)
            if kind == "null" or (kind is None and growing):
                seen.new(name, value)
            elif kind == SMALL and value is not None and not (type(value) is int and -EXACT <= value <= EXACT):
                seen.number(name, value)
    for name in seen.greater:
        schema[name] = "int64"
    if rules.spec.types == "evolve":
        schema |= dict.fromkeys(seen.fractions - rules.identity, "double")
    _add(schema, seen.kinds, rules.reserved)
    if seen.too_many:
        schema.setdefault(EXTRA, JSON)
    return schema


class _Seen:
    """What was seen of values whose columns are not settled."""

    def __init__(self) -> None:
        self.kinds: dict[str, Counter[str]] = {}
        self.fractions: set[str] = set()
        self.greater: set[str] = set()
        self.too_many = False

    def new(self, name: str, value: Any) -> None:
        """Count a kind. What cannot be a column any more is not counted, however many names there are."""
        if name in self.kinds or len(self.kinds) < 2 * MAX_COLUMNS:
            self.kinds.setdefault(name, Counter())[_kind(value)] += 1
        else:
            self.too_many = True

    def number(self, name: str, value: Any) -> None:
        if isinstance(value, float) and not is_whole(value):
            self.fractions.add(name)
        elif is_whole(value) and abs(value) > EXACT:
            self.greater.add(name)


def _add(schema: dict[str, str], found: Mapping[str, Counter[str]], reserved: frozenset[str]) -> None:
    """Add the new columns that there may be; if one may not, there is a column of what is left over."""
    by_case = {name.lower() for name in (*schema, *reserved)}
    room = MAX_COLUMNS - len(schema.keys() - {EXTRA})
    for name, kinds in found.items():
        if name in schema:
            schema[name] = _common(kinds)
        elif room > 0 and is_column_name(name) and name.lower() not in by_case:
            schema[name] = _common(kinds)
            by_case.add(name.lower())
            room -= 1
        else:
            schema.setdefault(EXTRA, JSON)


def _common(kinds: Counter[str]) -> str:
    del kinds["null"]
    for part, whole in ((SMALL, "int64"), ("string", JSON)):  # the second has room for all of the first
        if part in kinds and whole in kinds:
            kinds[whole] += kinds.pop(part)
    if "double" in kinds and kinds.keys() <= {"double", "int64", SMALL}:
        return "double"
    return max(kinds, key=_weight(kinds), default="null")


def _weight(kinds: Counter[str]) -> Callable[[str], tuple[int, bool]]:
    return lambda kind: (kinds[kind], kind in ("string", JSON))


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case int():
            return SMALL if abs(value) <= EXACT else "int64"
        case float() | Decimal():
            return "double"
        case str():
            return "string"
        case _:
            return JSON
