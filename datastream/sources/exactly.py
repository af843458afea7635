"""Parses a claim record by record, which is slower than all at once and can tell which one does not fit, and why."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from datastream.catalog.types import JSON, parse_type
from datastream.errors import Permanent
from datastream.records import EXTRA
from datastream.sources.decode import Odd, Twice, decode, texts
from datastream.sources.fit import Fit, fit_for
from datastream.sources.learn import Rules, SourceSchema, grows, learn

_SHOWN = 3
_SHOWN_CHARACTERS = 60
_NAMED = 20
"""So many unknown fields of a claim are told by name: each name is a rule in the log."""

_Object = dict[str, Any]


class SchemaFrozen(Permanent):
    """A record is not of the schema, which the stream has frozen."""


class _Misfit(Odd):
    """The value of a field does not fit."""

    def __init__(self, name: str, reason: str, general: str | None = None) -> None:
        super().__init__(f"{shown_name(name)} is {reason}", general)
        self.name = name


class _Unknown(_Misfit):
    """A field is no column."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "no column", "a field is no column")


def parse_exactly(
    records: Sequence[msgspec.Raw], known: SourceSchema, rules: Rules
) -> tuple[pa.Table, list[int], dict[int, str], dict[str, str]]:
    """Return table, positions, misfits and schema of Rows. Raises SchemaFrozen."""
    found, misfits = objects(records, rules.reserved)
    # What is refused teaches nothing: else one odd record would decide what all later ones have to be.
    schema = learn(found.values(), known, rules)
    if not schema:  # a table without columns could not hold a row
        return pa.table({}), [], _reasons({**misfits, **dict.fromkeys(found, Odd("no field"))}), {}
    reader = _Reader(schema, extra=grows(known, rules))
    columns, positions, odd = _Columns(schema), list[int](), dict[int, _Misfit]()
    for at, row in found.items():
        try:
            columns.add(reader.row(records[at], row))
            positions.append(at)
        except _Misfit as reason:
            odd[at] = reason
    _stop_if_frozen(odd, records, rules)
    return columns.table(), positions, _reasons({**misfits, **odd}), schema


def objects(records: Sequence[msgspec.Raw], reserved: frozenset[str]) -> tuple[dict[int, _Object], dict[int, Odd]]:
    """Return the records that are objects of their own names, decoded, and why the others are not."""
    found: dict[int, _Object] = {}
    misfits: dict[int, Odd] = {}
    for at, record in enumerate(records):
        try:
            found[at] = _object(decode(record), reserved)
        except Odd as reason:
            misfits[at] = reason
    return found, misfits


def _object(value: Any, reserved: frozenset[str]) -> _Object:
    if value is None:
        return {}
    if isinstance(value, Twice):
        raise Odd(f"{shown_name(value.key)} stands twice in it", "a key stands twice in it")
    if not isinstance(value, dict):
        raise Odd("not a JSON object")
    if own := reserved & value.keys():
        raise Odd(f"{min(own)} is our own name")
    try:
        "".join(value).encode()
    except UnicodeEncodeError:
        raise Odd("half a surrogate pair in a name") from None
    return value


class _Reader:
    """Turns decoded records into what the columns store."""

    def __init__(self, schema: SourceSchema, *, extra: bool) -> None:
        self._kinds, self._extra = schema, extra
        self._fits: dict[str, Fit] = {
            name: fit_for(kind) for name, kind in schema.items() if kind not in ("null", JSON)
        }

    def row(self, record: msgspec.Raw, values: _Object) -> _Object:
        """Return the values to store, of those that are not null. Raises Odd."""
        stored: _Object = {}
        as_text: list[str] = []
        for name, value in values.items():
            if name not in self._kinds:
                if not self._extra:
                    raise _Unknown(name)
                as_text.append(name)
            elif value is None:
                continue
            elif name in self._fits:
                try:
                    stored[name] = self._fits[name](value)
                except Odd as reason:
                    raise _Misfit(name, str(reason)) from None
            else:
                as_text.append(name)
        return stored | self._texts(record, as_text) if as_text else stored

    def _texts(self, record: msgspec.Raw, names: Sequence[str]) -> _Object:
        came = texts(record)
        found = {name: bytes(came[name]).decode() for name in names}
        over = [f"{msgspec.json.encode(name).decode()}:{found.pop(name)}" for name in names if name not in self._kinds]
        return found | {EXTRA: "{" + ",".join(over) + "}"} if over else found


class _Columns:
    """Gathers rows column by column. A column costs what it holds, however many rows are without it."""

    def __init__(self, schema: SourceSchema) -> None:
        self._kinds = {name: parse_type(kind) for name, kind in schema.items()}
        self._values: dict[str, list[Any]] = {name: [] for name in schema}
        self._rows: dict[str, list[int]] = {name: [] for name in schema}
        self._count = 0

    def add(self, row: _Object) -> None:
        for name, value in row.items():
            self._values[name].append(value)
            self._rows[name].append(self._count)
        self._count += 1

    def table(self) -> pa.Table:
        return pa.table({name: self._column(name, kind) for name, kind in self._kinds.items()})

    def _column(self, name: str, kind: pa.DataType) -> pa.Array:
        values = pa.array(self._values[name], kind)
        if len(values) == self._count:
            return values
        places = np.full(self._count, -1)
        places[self._rows[name]] = np.arange(len(values))
        return values.take(pa.array(places, mask=places < 0)) if len(values) else pa.nulls(self._count, kind)


def _reasons(odd: Mapping[int, Odd]) -> dict[int, str]:
    """Return the reasons in words; of those with names that records chose, so many as a log can hold."""
    chosen = Counter(str(reason) for reason in odd.values() if reason.general != str(reason))
    told = {reason for reason, _ in chosen.most_common(_NAMED)}
    return {at: str(odd[at]) if str(odd[at]) in told else odd[at].general for at in sorted(odd)}


def _stop_if_frozen(odd: Mapping[int, _Misfit], records: Sequence[msgspec.Raw], rules: Rules) -> None:
    modes = {True: rules.spec.columns, False: rules.spec.types}
    told = {at: reason for at, reason in odd.items() if modes[isinstance(reason, _Unknown)] == "freeze"}
    if told:
        shown = [
            f"{reason}: {rules.mask.value(reason.name, _value(records[at], reason.name))}"
            for at, reason in list(told.items())[:_SHOWN]
        ]
        raise SchemaFrozen(
            f"{len(told):,} of {len(records):,} records are not of the schema, which the stream has frozen: "
            f"{'; '.join(shown)}. Nothing of them was committed, and the next run takes them again. Declare the field "
            "or its new type in the stream's schema, or set `columns` or `types` to evolve or quarantine_row."
        )


def _value(record: msgspec.Raw, name: str) -> str:
    return bytes(texts(record)[name])[:_SHOWN_CHARACTERS].decode(errors="replace")


def shown_name(name: str) -> str:
    """Return a name as it can be shown, and be part of a rule."""
    short = name if len(name) <= _SHOWN_CHARACTERS else f"{name[:_SHOWN_CHARACTERS]}..."
    return short if short.isprintable() and short else ascii(short)
