"""Finds fields that cannot be what the stream file uses them for: key, cursor, partitions, columns of the suite."""

from collections.abc import Iterator
from datetime import datetime

import pyarrow as pa

from datastream.catalog import Cursor
from datastream.catalog.types import JSON, parse_type
from datastream.collisions import collisions
from datastream.drift.finding import Finding
from datastream.drift.sample import Sample, in_words
from datastream.sources.decode import Odd
from datastream.sources.fields import value_at
from datastream.sources.fit import fit_for
from datastream.sources.window import from_wire

_NOT_NULL = "expect_column_values_to_not_be_null"


def roles(sample: Sample) -> Iterator[Finding]:
    """Yield what differs of fields that the stream file names."""
    if not sample.rows:
        return
    yield from _key(sample)
    yield from _repeats(sample)
    if sample.stream.source.cursor is not None:
        yield from _cursor(sample, sample.stream.source.cursor)
    if sample.stream.transform is None:  # else the columns are what the transform makes of them
        yield from _partition(sample)
        yield from _suite(sample)


def _key(sample: Sample) -> Iterator[Finding]:
    for name in sample.stream.key:
        if places := sample.missing(name):
            yield Finding(
                name, "key", _missing(len(places), len(sample.rows)),
                "a record without its key would be set aside", "set aside", places,
            )  # fmt: skip


def _repeats(sample: Sample) -> Iterator[Finding]:
    found = collisions(sample.claim.ids, sample.claim.records, sample.claim.refused)
    if found:
        shared = f"{found.rows:,} with the key of another"
        yield Finding(", ".join(sample.stream.key), "key", shared, found.told(sample.stream), "dropped")


def _cursor(sample: Sample, spec: Cursor) -> Iterator[Finding]:
    missing = {at for at, row in sample.rows.items() if value_at(row, spec.field) is None}
    wrong = [at for at in sample.rows.keys() - missing if not _compares(sample, spec, at)]
    kind = {datetime: "time", int: "int64"}.get(type(spec.initial), "string")
    useless = len(missing) + len(wrong)
    if not useless:
        return
    source = (
        sample.of_source(spec.field)
        if wrong and spec.field in sample.become
        else _missing(len(missing), len(sample.rows))
    )
    if useless == len(sample.rows):
        meaning = f"no record has a {kind} to move the cursor by, so each run would read everything again"
        yield Finding(spec.field, f"cursor, {kind}", source, meaning, "stuck")
    else:
        meaning = f"{useless:,} of {len(sample.rows):,} records have no {kind} there, and would not move the cursor"
        yield Finding(spec.field, f"cursor, {kind}", source, meaning)


def _compares(sample: Sample, spec: Cursor, at: int) -> bool:
    """Tell whether a value, as its column would hold it, is of the cursor's kind."""
    if spec.field not in sample.become:  # it lies within a nested one
        return from_wire(value_at(sample.rows[at], spec.field), spec.initial, spec.format) is not None
    kind = sample.become[spec.field]
    if kind == JSON:
        return isinstance(spec.initial, str)
    try:
        stored = fit_for(kind)(sample.rows[at][spec.field])
    except Odd:
        return True  # its record is set aside, and told as that
    return from_wire(stored, spec.initial, spec.format) is not None


def _partition(sample: Sample) -> Iterator[Finding]:
    by = sample.stream.partition_by
    if by is None:
        return
    kind = sample.become.get(by.field)
    if kind is None:
        yield Finding(by.field, "partition_by", "missing", "there is nothing to partition by", "fails")
    elif kind != "null" and not _is_time(kind):
        meaning = "rows are partitioned by a time: declare it as timestamp or date"
        yield Finding(by.field, "partition_by", in_words(kind), meaning, "fails")


def _is_time(kind: str) -> bool:
    parsed = parse_type(kind)
    return bool(pa.types.is_timestamp(parsed) or pa.types.is_date(parsed))


def _suite(sample: Sample) -> Iterator[Finding]:
    """Yield columns that the suite cannot ask about, and those it would find empty."""
    for name in sorted({name for rule in sample.suite.rules for name in rule.columns}):
        rules = [rule for rule in sample.suite.rules if name in rule.columns]
        if name not in sample.become:
            meaning = f"the suite asks about it ({rules[0].label}), and there is no such column"
            yield Finding(name, "a column of the suite", "missing", meaning, "fails")
            continue
        strict = [
            rule for rule in rules if rule.type == _NOT_NULL and sample.stream.action(rule.severity) == "quarantine"
        ]
        if strict and len(sample.missing(name)) == len(sample.rows):
            meaning = f"every record would be set aside: {strict[0].label}"
            yield Finding(name, "not null, by the suite", "no value", meaning, "set aside", frozenset(sample.rows))


def _missing(count: int, records: int) -> str:
    return "missing" if count == records else f"missing in {count:,} of {records:,}"
