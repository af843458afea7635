"""What tells rows apart: values made to differ, and the fields of a key."""

from collections.abc import Collection, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from datastream.suggest.columns import Column
from datastream.suggest.patterns import Pattern
from datastream.suggest.proposal import Proposal

_LEAST_ROWS = 30
_LONGEST_ID = 64


def unique(column: Column, pattern: Pattern | None, key: Collection[str], *, identifies: bool) -> Iterator[Proposal]:
    """Yield that no value comes twice, where that is more than chance. The fields of a key differ only together."""
    seen = len(column.present)
    if not seen or column.kind not in ("text", "number") or not column.unique:
        return
    differs = seen >= _LEAST_ROWS and (identifies or (not (pattern and pattern.when) and _made_to_differ(column)))
    if list(key) == [column.name] or (column.name not in key and differs):
        evidence = f"{column.distinct:,} different values in {seen:,} rows"
        kwargs = {"column": column.name}
        yield Proposal("expect_column_values_to_be_unique", kwargs, "critical" if identifies else "warning", evidence)


def _made_to_differ(column: Column) -> bool:
    """Tell whether values differ by more than chance: so many numbers of that span would share some (birthdays).

    Texts differ by design where they are written like ids, without a space.
    """
    seen = len(column.present)
    if column.kind == "text":
        longest = column.lengths[1]
        return longest <= _LONGEST_ID and not pc.any(pc.match_substring(column.present, " ")).as_py()
    ends = pc.min_max(column.present).as_py()
    return column.whole and seen * seen > 20 * (ends["max"] - ends["min"] + 1)


def unique_together(key: list[Column]) -> Iterator[Proposal]:
    """Yield that the fields of a key, taken together, come only once."""
    if any(column.kind not in ("text", "number", "time", "flag") for column in key):
        return
    names = [column.name for column in key]
    table = pa.table({str(at): column.values for at, column in enumerate(key)})
    distinct = table.group_by(table.column_names).aggregate([]).num_rows
    if table.num_rows and distinct == table.num_rows:
        evidence = f"{distinct:,} different keys in {table.num_rows:,} rows"
        yield Proposal("expect_compound_columns_to_be_unique", {"column_list": names}, "critical", evidence)
