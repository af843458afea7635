"""Finds fields that are new, lost, or of another type than their columns, as a run would treat them."""

from collections import Counter
from collections.abc import Iterator

from datastream.drift.finding import Finding
from datastream.drift.sample import Sample, in_words
from datastream.records import EXTRA
from datastream.sources.exactly import shown_name
from datastream.sources.learn import grows

_NAMED = 20
"""So many fields that are no columns are told by name."""


def columns(sample: Sample) -> Iterator[Finding]:
    """Yield what differs of fields and types."""
    yield from _no_objects(sample)
    yield from _new(sample)
    for name in sample.expected:
        if name != EXTRA:
            yield from _typed(sample, name) if sample.there.get(name) else _lost(sample, name)


def _no_objects(sample: Sample) -> Iterator[Finding]:
    for reason in sorted(set(sample.odd.values())):
        places = frozenset(at for at, each in sample.odd.items() if each == reason)
        yield Finding(
            "", "a record", reason, f"{_records(len(places))} would be set aside: {reason}", "set aside", places
        )


def _new(sample: Sample) -> Iterator[Finding]:
    """Yield fields that are no columns yet: they become columns, or part of `_extra`, or are refused.

    Where nothing is expected, nothing is new: the first run learns what there is.
    """
    if not sample.expected:
        return
    names = [name for name in sample.there if name not in sample.expected]
    growing, mode = grows(sample.known, sample.rules), sample.stream.schema_spec.columns
    for name in (name for name in names if growing and name in sample.become):
        yield Finding(shown_name(name), "", sample.of_source(name), "new: it would become a column")
    others = [name for name in names if not growing or name not in sample.become]
    for at, name in enumerate(others[:_NAMED]):
        more = f", and {len(others) - _NAMED:,} fields more" if at == _NAMED - 1 and len(others) > _NAMED else ""
        if growing:
            yield Finding(shown_name(name), "", "a field", f"new: it would be kept in {EXTRA}, as no column{more}")
        elif mode == "freeze":
            yield Finding(
                shown_name(name), "", sample.of_source(name), f"new: the run would stop, as columns are frozen{more}",
                "fails",
            )  # fmt: skip
        else:
            wanted = others if more else [name]
            places = frozenset(at for at, row in sample.rows.items() if any(each in row for each in wanted))
            yield Finding(
                shown_name(name), "", sample.of_source(name),
                f"new: {_records(len(places))} with it would be set aside{more}", "set aside", places,
            )  # fmt: skip


def _typed(sample: Sample, name: str) -> Iterator[Finding]:
    was, now = in_words(sample.expected[name]), in_words(sample.become[name])
    if sample.expected[name] == "null" and now != was:
        yield Finding(shown_name(name), was, now, f"its first values: the column would become {now}")
    elif was != now:
        yield Finding(shown_name(name), was, now, f"the column would be widened from {was} to {now}")
    misfits = sample.misfits(name)
    if not misfits:
        return
    (reason, _), *_ = Counter(misfits.values()).most_common(1)
    held = f"{_records(len(misfits))} {'holds' if len(misfits) == 1 else 'hold'} what is {reason}"
    if sample.stream.schema_spec.types == "freeze":
        yield Finding(
            shown_name(name), now, sample.of_source(name), f"{held}: the run would stop, as types are frozen", "fails"
        )
    else:
        yield Finding(
            shown_name(name), now, sample.of_source(name), f"{held} and would be set aside", "set aside",
            frozenset(misfits),
        )  # fmt: skip


def _lost(sample: Sample, name: str) -> Iterator[Finding]:
    spec = sample.stream.source.cursor
    if sample.rows and name not in sample.stream.key and not (spec and name == spec.field):  # those are told as such
        yield Finding(shown_name(name), in_words(sample.expected[name]), "missing", "lost: its column would be null")


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count:,} records"
